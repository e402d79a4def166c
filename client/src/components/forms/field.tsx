"use client";

import { type InputHTMLAttributes, use, useId } from "react";
import { FormErrors } from "./form";

type Props = {
  name: string;
  label: string;
  hint?: string;
  /** Text inside the field, before the input, such as a currency symbol. */
  prefix?: string;
} & InputHTMLAttributes<HTMLInputElement>;

/** An input with its label, its hint, and the API's errors of this field. */
export function Field({ name, label, hint, prefix, ...inputProps }: Props) {
  const id = useId();
  const errors = use(FormErrors).filter(({ field }) => field === name);
  const isInvalid = errors.length > 0;
  const input = (
    <input
      {...inputProps}
      id={id}
      name={name}
      className={`form-control ${isInvalid ? "is-invalid" : ""}`}
      aria-invalid={isInvalid || undefined}
      aria-describedby={
        [hint && `${id}-hint`, isInvalid && `${id}-error`].filter(Boolean).join(" ") || undefined
      }
    />
  );
  return (
    <div>
      <label className="form-label" htmlFor={id}>
        {label}
      </label>
      {prefix ? (
        <div className={`input-group ${isInvalid ? "has-validation" : ""}`}>
          <span className="input-group-text" aria-hidden="true">
            {prefix}
          </span>
          {input}
        </div>
      ) : (
        input
      )}
      {hint && (
        <div className="form-text" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {isInvalid && (
        <div className="invalid-feedback d-block" id={`${id}-error`}>
          {errors.map(({ message }) => message).join(" ")}
        </div>
      )}
    </div>
  );
}
