import type { Metadata } from "next";
import Link from "next/link";
import { hasErrorCode } from "@/api/errors";
import { apiFetch } from "@/api/server";
import { LoadFailure } from "@/components/common/load-failure";
import { FormPage } from "@/components/layout/form-page";
import { ResetPasswordForm } from "./reset-password-form";

export const metadata: Metadata = { title: "Choose a new password", referrer: "no-referrer" };

export default async function ResetPasswordPage({ searchParams }: PageProps<"/reset-password">) {
  const { token: parameter } = await searchParams;
  const token = typeof parameter === "string" ? parameter : "";
  const validation = await apiFetch("post", "/api/users/validate-token", { body: { token } });
  if (validation.ok) {
    return (
      <FormPage title="Choose a new password">
        <ResetPasswordForm token={token} />
      </FormPage>
    );
  }
  // A 400 is a token that cannot exist.
  if (validation.status !== 400 && !hasErrorCode(validation, "not_found", "token_expired")) {
    return (
      <LoadFailure
        failure={validation}
        url={`/reset-password?token=${encodeURIComponent(token)}`}
      />
    );
  }
  return (
    <FormPage title="Choose a new password">
      <div className="alert alert-warning mb-0">
        This link is no longer valid. It was already used, or it is older than 15 minutes.
      </div>
      <Link className="btn btn-primary" href="/forgot-password">
        Send me a new link
      </Link>
    </FormPage>
  );
}
