import type { Metadata } from "next";
import Link from "next/link";
import { FormPage } from "@/components/layout/form-page";
import { safeRedirectPath } from "@/lib/redirects";
import { SignInForm } from "./sign-in-form";

export const metadata: Metadata = { title: "Sign in" };

export default async function SignInPage({ searchParams }: PageProps<"/signin">) {
  const { next: parameter, reset } = await searchParams;
  const next = safeRedirectPath(parameter);
  return (
    <FormPage title="Sign in">
      {reset !== undefined && (
        <div className="alert alert-success mb-0" role="status">
          Your new password is saved. Sign in with it.
        </div>
      )}
      <SignInForm next={next} />
      <div className="d-flex flex-wrap justify-content-between gap-2">
        <Link href={`/signup?next=${encodeURIComponent(next)}`}>New here? Sign up</Link>
        <Link href="/forgot-password">Forgot your password?</Link>
      </div>
    </FormPage>
  );
}
