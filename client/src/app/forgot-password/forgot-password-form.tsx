"use client";

import { useState } from "react";
import { apiFetch } from "@/api/browser";
import { UserText } from "@/components/common/user-text";
import { EmailField } from "@/components/forms/account-fields";
import { Form } from "@/components/forms/form";
import { getText } from "@/lib/form-data";

export function ForgotPasswordForm() {
  const [sentTo, setSentTo] = useState<string>();
  if (sentTo) {
    return (
      <div className="alert alert-success mb-0" role="status">
        If{" "}
        <strong className="text-break">
          <UserText>{sentTo}</UserText>
        </strong>{" "}
        has an account, we are sending an email with a link to it. The link is valid for 15 minutes.
      </div>
    );
  }
  return (
    <Form
      submitLabel="Send reset link"
      onSubmit={async (formData) => {
        const email = getText(formData, "email");
        const result = await apiFetch("post", "/api/users/forgot-password", { body: { email } });
        if (!result.ok) return result;
        setSentTo(email);
      }}
    >
      <p className="mb-0 text-body-secondary">
        We will send you an email with a link to choose a new password.
      </p>
      <EmailField />
    </Form>
  );
}
