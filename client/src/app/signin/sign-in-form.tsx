"use client";

import { apiFetch } from "@/api/browser";
import { EmailField, PasswordField } from "@/components/forms/account-fields";
import { Form } from "@/components/forms/form";
import { getText } from "@/lib/form-data";

export function SignInForm({ next }: { next: string }) {
  return (
    <Form
      submitLabel="Sign in"
      onSubmit={async (formData) => {
        const body = { email: getText(formData, "email"), password: getText(formData, "password") };
        const result = await apiFetch("post", "/api/users/signin", { body });
        return result.ok ? { loadPage: next, newUserId: result.data.id } : result;
      }}
    >
      <EmailField />
      <PasswordField name="password" label="Password" autoComplete="current-password" />
    </Form>
  );
}
