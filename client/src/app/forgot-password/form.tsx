"use client";

import { useState } from "react";
import { call } from "@/api/browser";
import { EmailField } from "@/ui/account-fields";
import { Form } from "@/ui/form";
import { text } from "@/ui/typed";

export function ForgotPasswordForm() {
  const [sentTo, setSentTo] = useState<string>();
  if (sentTo) {
    return (
      <div className="alert alert-success mb-0" role="status">
        If there is an account for <strong className="text-break">{sentTo}</strong>, a mail is on
        its way. Its link is good for 15 minutes.
      </div>
    );
  }
  return (
    <Form
      button="Send me a link"
      send={async (typed) => {
        const email = text(typed, "email");
        const answer = await call("post", "/api/users/forgot-password", { body: { email } });
        if (!answer.ok) return answer;
        setSentTo(email);
      }}
    >
      <p className="mb-0 text-body-secondary">
        We will send you a mail with a link to choose a new one.
      </p>
      <EmailField />
    </Form>
  );
}
