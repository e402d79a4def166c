import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { ResetPasswordForm } from "@/app/reset-password/reset-password-form";
import { SignUpForm } from "@/app/signup/sign-up-form";
import { NewTicketForm } from "@/app/tickets/new/new-ticket-form";
import { accessibilityViolations } from "../helpers/axe";
import { errorResponse, mockFetch } from "../helpers/mock-fetch";

test("Form shows errors at their fields, focuses the first, and keeps the input", async () => {
  mockFetch(
    errorResponse(
      400,
      { code: "invalid_email", message: "Invalid email", field: "email" },
      { code: "string_too_short", message: "Too short", field: "password" },
    ),
  );
  const { container } = render(<SignUpForm next="/" />);
  await userEvent.type(screen.getByLabelText("Email"), "ada");
  await userEvent.type(screen.getByLabelText("Password"), "short");
  await userEvent.click(screen.getByRole("button"));

  const email = screen.getByLabelText<HTMLInputElement>("Email");
  const { id } = await screen.findByText("Invalid email");
  expect(email.getAttribute("aria-describedby")).toBe(id);
  await waitFor(() => expect(document.activeElement).toBe(email));
  expect(email.value).toBe("ada");
  expect(screen.queryByRole("alert")).toBeNull();
  expect(await accessibilityViolations(container)).toEqual([]);
});

test("Form shows errors without a field of the form above the fields", async () => {
  mockFetch(
    errorResponse(
      429,
      { code: "rate_limited", message: "Too many requests." },
      { code: "extra_forbidden", message: "Unknown.", field: "elsewhere" },
    ),
  );
  render(<SignUpForm next="/" />);
  await userEvent.click(screen.getByRole("button"));
  expect((await screen.findByRole("alert")).textContent).toBe("Too many requests. Unknown.");
});

test("Form keeps the focus on its busy button while a request is pending, and sends it once", async () => {
  let respond = (_: Response) => {};
  const fetch = mockFetch(
    new Promise<Response>((resolve) => {
      respond = resolve;
    }),
  );
  render(<SignUpForm next="/" />);
  const button = screen.getByRole<HTMLButtonElement>("button");
  await userEvent.dblClick(button);
  await userEvent.keyboard("{Enter}");
  expect(button.getAttribute("aria-disabled")).toBe("true");
  expect(button.getAttribute("aria-busy")).toBe("true");
  expect(document.activeElement).toBe(button);
  respond(errorResponse(400, { code: "email_in_use", message: "No" }));
  await screen.findByText("No");
  expect(fetch).toHaveBeenCalledTimes(1);
  await waitFor(() => expect(button.getAttribute("aria-disabled")).toBeNull());
});

test("Form shows a link to sign in again when the session has ended", async () => {
  mockFetch(errorResponse(401, { code: "not_signed_in", message: "Not authorized" }));
  const { container } = render(<NewTicketForm />);
  await userEvent.type(screen.getByLabelText("Price"), "25");
  await userEvent.click(screen.getByRole("button"));
  const link = await screen.findByRole("link", { name: "Please sign in again" });
  expect(link.getAttribute("href")).toBe("/signin?next=%2F");
  expect(screen.queryByText(/Not authorized/)).toBeNull();
  expect(await accessibilityViolations(container)).toEqual([]);
});

test("Form shows the message of an expired token", async () => {
  mockFetch(errorResponse(401, { code: "token_expired", message: "Token has expired" }));
  render(<ResetPasswordForm token="t" />);
  await userEvent.click(screen.getByRole("button"));
  expect((await screen.findByRole("alert")).textContent).toBe("Token has expired");
});
