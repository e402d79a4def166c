import type { Metadata } from "next";
import Link from "next/link";
import { safePath } from "@/going";
import { NarrowPage } from "@/ui/narrow-page";
import { SignInForm } from "./form";

export const metadata: Metadata = { title: "Sign in" };

export default async function SignIn({ searchParams }: PageProps<"/signin">) {
  const { next, reset } = await searchParams;
  const after = safePath(next);
  return (
    <NarrowPage title="Sign in">
      {reset !== undefined && (
        <div className="alert alert-success mb-0" role="status">
          Your new password is set. Sign in with it.
        </div>
      )}
      <SignInForm next={after} />
      <div className="d-flex flex-wrap justify-content-between gap-2">
        <Link href={`/signup?next=${encodeURIComponent(after)}`}>New here? Sign up</Link>
        <Link href="/forgot-password">Forgot your password?</Link>
      </div>
    </NarrowPage>
  );
}
