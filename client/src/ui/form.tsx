"use client";

import { createContext, type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import type { Failure } from "@/api/answer";
import { Act } from "./act";
import { Trouble } from "./trouble";
import { type Outcome, useAction } from "./use-action";

export const Errors = createContext<Failure["errors"]>([]);

type Props = {
  send: (typed: FormData) => Promise<Outcome>;
  button: ReactNode;
  children: ReactNode;
};

/** A form that keeps what was typed, shows errors beside their fields and others above them. */
export function Form({ send, button, children }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const { busy, ready, failure, run } = useAction(send);
  const [fields, setFields] = useState<string[]>([]);

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const typed = new FormData(event.currentTarget);
    setFields([...typed.keys()]);
    run(typed);
  }

  useEffect(() => {
    if (failure) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [failure]);

  const errors = failure?.errors ?? [];
  const others = errors.filter(({ field }) => !field || !fields.includes(field));
  return (
    // POST, should it ever be sent without us: what was typed stays out of the address.
    <form ref={form} method="post" noValidate onSubmit={submit} className="vstack gap-3">
      {failure && others.length > 0 && <Trouble failure={{ ...failure, errors: others }} />}
      <Errors value={errors}>{children}</Errors>
      <Act busy={busy} ready={ready}>
        {button}
      </Act>
    </form>
  );
}
