import type { Metadata } from "next";
import Link from "next/link";
import { safePath } from "@/going";
import { NarrowPage } from "@/ui/narrow-page";
import { SignUpForm } from "./form";

export const metadata: Metadata = { title: "Sign up" };

export default async function SignUp({ searchParams }: PageProps<"/signup">) {
  const next = safePath((await searchParams).next);
  return (
    <NarrowPage title="Sign up">
      <SignUpForm next={next} />
      <Link href={`/signin?next=${encodeURIComponent(next)}`}>Have an account? Sign in</Link>
    </NarrowPage>
  );
}
