"use client";

import { createContext, type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import type { ApiError } from "@/api/errors";
import { ActionButton } from "@/components/common/action-button";
import { ErrorAlert } from "@/components/common/error-alert";
import { type ActionResult, useAction } from "@/hooks/use-action";

/** The errors of the form's last submission, for its fields. */
export const FormErrors = createContext<ApiError[]>([]);

type Props = {
  onSubmit: (formData: FormData) => Promise<ActionResult>;
  submitLabel: ReactNode;
  children: ReactNode;
};

/** A form that keeps its input after an error. Errors without a field appear above the fields. */
export function Form({ onSubmit, submitLabel, children }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const { isPending, isReady, failure, run } = useAction(onSubmit);
  const [fieldNames, setFieldNames] = useState<string[]>([]);

  function handleSubmit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const formData = new FormData(event.currentTarget);
    setFieldNames([...formData.keys()]);
    run(formData);
  }

  useEffect(() => {
    if (failure) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [failure]);

  const errors = failure?.errors ?? [];
  const formErrors = errors.filter(({ field }) => !field || !fieldNames.includes(field));
  return (
    // POST, so that a submission without JavaScript does not put passwords into the URL.
    <form ref={form} method="post" noValidate onSubmit={handleSubmit} className="vstack gap-3">
      {failure && formErrors.length > 0 && (
        <ErrorAlert failure={{ ...failure, errors: formErrors }} />
      )}
      <FormErrors value={errors}>{children}</FormErrors>
      <ActionButton isPending={isPending} isReady={isReady}>
        {submitLabel}
      </ActionButton>
    </form>
  );
}
