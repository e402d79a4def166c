import type { ComponentProps } from "react";
import { Field } from "./field";

export function EmailField() {
  return (
    <Field
      name="email"
      label="Email"
      type="email"
      autoComplete="email"
      inputMode="email"
      autoCapitalize="none"
    />
  );
}

export function PasswordField(props: ComponentProps<typeof Field>) {
  return <Field {...props} type="password" />;
}

export function NewPasswordField({ name, label }: { name: string; label: string }) {
  return (
    <PasswordField
      name={name}
      label={label}
      autoComplete="new-password"
      hint="At least 8 characters"
    />
  );
}
