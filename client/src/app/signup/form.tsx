"use client";

import { call } from "@/api/browser";
import { EmailField, NewPasswordField } from "@/ui/account-fields";
import { Form } from "@/ui/form";
import { text } from "@/ui/typed";

export function SignUpForm({ next }: { next: string }) {
  return (
    <Form
      button="Sign up"
      send={async (typed) => {
        const body = { email: text(typed, "email"), password: text(typed, "password") };
        const answer = await call("post", "/api/users/signup", { body });
        return answer.ok ? { leaveFor: next } : answer;
      }}
    >
      <EmailField />
      <NewPasswordField name="password" label="Password" />
    </Form>
  );
}
