"use client";

import { call } from "@/api/browser";
import { EmailField, PasswordField } from "@/ui/account-fields";
import { Form } from "@/ui/form";
import { text } from "@/ui/typed";

export function SignInForm({ next }: { next: string }) {
  return (
    <Form
      button="Sign in"
      send={async (typed) => {
        const body = { email: text(typed, "email"), password: text(typed, "password") };
        const answer = await call("post", "/api/users/signin", { body });
        return answer.ok ? { leaveFor: next } : answer;
      }}
    >
      <EmailField />
      <PasswordField name="password" label="Password" autoComplete="current-password" />
    </Form>
  );
}
