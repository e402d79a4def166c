import type { Metadata } from "next";
import Link from "next/link";
import { call } from "@/api/server";
import { NarrowPage } from "@/ui/narrow-page";
import { Refused } from "@/ui/refused";
import { ResetPasswordForm } from "./form";

export const metadata: Metadata = { title: "Choose a new password", referrer: "no-referrer" };

export default async function ResetPassword({ searchParams }: PageProps<"/reset-password">) {
  const { token } = await searchParams;
  const given = typeof token === "string" ? token : "";
  const valid = await call("post", "/api/users/validate-token", { body: { token: given } });
  if (!valid.ok && (valid.status === 0 || valid.status >= 500)) {
    return <Refused failure={valid} at={`/reset-password?token=${encodeURIComponent(given)}`} />;
  }
  return (
    <NarrowPage title="Choose a new password">
      {valid.ok ? (
        <ResetPasswordForm token={given} />
      ) : (
        <>
          <div className="alert alert-warning mb-0">
            This link does not work any more: it was used, or it is older than 15 minutes.
          </div>
          <Link className="btn btn-primary" href="/forgot-password">
            Send me a new link
          </Link>
        </>
      )}
    </NarrowPage>
  );
}
