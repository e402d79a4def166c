import type { Metadata } from "next";
import Link from "next/link";
import { FormPage } from "@/components/layout/form-page";
import { ForgotPasswordForm } from "./forgot-password-form";

export const metadata: Metadata = { title: "Forgot your password?" };

export default function ForgotPasswordPage() {
  return (
    <FormPage title="Forgot your password?">
      <ForgotPasswordForm />
      <Link href="/signin">Back to sign in</Link>
    </FormPage>
  );
}
