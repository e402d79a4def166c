"use client";

import { apiFetch } from "@/api/browser";
import { NewPasswordField, PasswordField } from "@/components/forms/account-fields";
import { Form } from "@/components/forms/form";
import { getText } from "@/lib/form-data";

export function ResetPasswordForm({ token }: { token: string }) {
  return (
    <Form
      submitLabel="Save new password"
      onSubmit={async (formData) => {
        const body = {
          token,
          newPassword: getText(formData, "newPassword"),
          repeatedNewPassword: getText(formData, "repeatedNewPassword"),
        };
        const result = await apiFetch("post", "/api/users/reset-password", { body });
        return result.ok ? { loadPage: "/signin?reset", newUserId: null } : result;
      }}
    >
      <NewPasswordField name="newPassword" label="New password" />
      <PasswordField
        name="repeatedNewPassword"
        label="Repeat password"
        autoComplete="new-password"
      />
    </Form>
  );
}
