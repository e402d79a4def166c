"use client";

import { type InputHTMLAttributes, use, useId } from "react";
import { Errors } from "./form";

type Props = {
  name: string;
  label: string;
  hint?: string;
  before?: string;
} & InputHTMLAttributes<HTMLInputElement>;

/** One field: its label, its hint, and what the API said against what was typed. */
export function Field({ name, label, hint, before, ...input }: Props) {
  const id = useId();
  const errors = use(Errors).filter(({ field }) => field === name);
  const wrong = errors.length > 0;
  const control = (
    <input
      {...input}
      id={id}
      name={name}
      className={`form-control ${wrong ? "is-invalid" : ""}`}
      aria-invalid={wrong || undefined}
      aria-describedby={
        [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(" ") || undefined
      }
    />
  );
  return (
    <div>
      <label className="form-label" htmlFor={id}>
        {label}
      </label>
      {before ? (
        <div className={`input-group ${wrong ? "has-validation" : ""}`}>
          <span className="input-group-text" aria-hidden="true">
            {before}
          </span>
          {control}
        </div>
      ) : (
        control
      )}
      {hint && (
        <div className="form-text" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {wrong && (
        <div className="invalid-feedback d-block" id={`${id}-wrong`}>
          {errors.map(({ message }) => message).join(" ")}
        </div>
      )}
    </div>
  );
}
