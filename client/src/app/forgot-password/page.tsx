import type { Metadata } from "next";
import Link from "next/link";
import { NarrowPage } from "@/ui/narrow-page";
import { ForgotPasswordForm } from "./form";

export const metadata: Metadata = { title: "Forgot your password?" };

export default function ForgotPassword() {
  return (
    <NarrowPage title="Forgot your password?">
      <ForgotPasswordForm />
      <Link href="/signin">Back to sign in</Link>
    </NarrowPage>
  );
}
