"use client";

import { apiFetch } from "@/api/browser";
import { EmailField, NewPasswordField } from "@/components/forms/account-fields";
import { Form } from "@/components/forms/form";
import { getText } from "@/lib/form-data";

export function SignUpForm({ next }: { next: string }) {
  return (
    <Form
      submitLabel="Sign up"
      onSubmit={async (formData) => {
        const body = { email: getText(formData, "email"), password: getText(formData, "password") };
        const result = await apiFetch("post", "/api/users/signup", { body });
        return result.ok ? { loadPage: next, newUserId: result.data.id } : result;
      }}
    >
      <EmailField />
      <NewPasswordField name="password" label="Password" />
    </Form>
  );
}
