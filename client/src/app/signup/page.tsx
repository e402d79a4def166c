import type { Metadata } from "next";
import Link from "next/link";
import { FormPage } from "@/components/layout/form-page";
import { safeRedirectPath } from "@/lib/redirects";
import { SignUpForm } from "./sign-up-form";

export const metadata: Metadata = { title: "Sign up" };

export default async function SignUpPage({ searchParams }: PageProps<"/signup">) {
  const next = safeRedirectPath((await searchParams).next);
  return (
    <FormPage title="Sign up">
      <SignUpForm next={next} />
      <Link href={`/signin?next=${encodeURIComponent(next)}`}>
        Already have an account? Sign in
      </Link>
    </FormPage>
  );
}
