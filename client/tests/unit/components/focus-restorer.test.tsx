import { render, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { FocusRestorer } from "@/components/layout/focus-restorer";

type PageProps = { name: string; status?: string; hasButton?: boolean };

function Page({ name, status, hasButton = false }: PageProps) {
  return (
    <main>
      <FocusRestorer />
      {name && <h1 key={name}>{name}</h1>}
      <div role="status">{status}</div>
      {hasButton && <button type="button">Cancel</button>}
    </main>
  );
}

function renderFocusedButton() {
  const view = render(<Page name="Order" status="Reserved" hasButton />);
  screen.getByRole("button").focus();
  return view;
}

const focusedText = () => document.activeElement?.textContent;

test("FocusRestorer focuses the page's status when the focused button has gone", async () => {
  const { rerender } = renderFocusedButton();
  rerender(<Page name="Order" status="Cancelled" />);
  await waitFor(() => expect(focusedText()).toBe("Cancelled"));
});

test("FocusRestorer focuses the heading of a page without a status", async () => {
  const { rerender } = renderFocusedButton();
  rerender(<Page name="Order" />);
  await waitFor(() => expect(focusedText()).toBe("Order"));
});

test("FocusRestorer focuses the heading of a new page, once it is there", async () => {
  const { rerender } = renderFocusedButton();
  rerender(<Page name="" status="Loading" />);
  rerender(<Page name="My tickets" status="1 new ticket" />);
  await waitFor(() => expect(focusedText()).toBe("My tickets"));
});

test("FocusRestorer leaves the focus alone while its element is there, or nothing had it", async () => {
  const { rerender, unmount } = renderFocusedButton();
  rerender(<Page name="Order" status="Processing" hasButton />);
  await Promise.resolve();
  expect(focusedText()).toBe("Cancel");
  unmount();

  const unfocused = render(<Page name="Order" status="Reserved" hasButton />);
  unfocused.rerender(<Page name="Order" status="Cancelled" />);
  await Promise.resolve();
  expect(document.activeElement).toBe(document.body);
});
