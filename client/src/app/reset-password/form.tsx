"use client";

import { call } from "@/api/browser";
import { NewPasswordField, PasswordField } from "@/ui/account-fields";
import { Form } from "@/ui/form";
import { text } from "@/ui/typed";

export function ResetPasswordForm({ token }: { token: string }) {
  return (
    <Form
      button="Set the new password"
      send={async (typed) => {
        const body = {
          token,
          newPassword: text(typed, "newPassword"),
          repeatedNewPassword: text(typed, "repeatedNewPassword"),
        };
        const answer = await call("post", "/api/users/reset-password", { body });
        return answer.ok ? { leaveFor: "/signin?reset" } : answer;
      }}
    >
      <NewPasswordField name="newPassword" label="New password" />
      <PasswordField
        name="repeatedNewPassword"
        label="The same again"
        autoComplete="new-password"
      />
    </Form>
  );
}
