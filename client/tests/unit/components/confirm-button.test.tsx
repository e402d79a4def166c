import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { ConfirmButton } from "@/components/common/confirm-button";

test("ConfirmButton runs the action after a confirmation only", async () => {
  const run = vi.fn();
  render(
    <ConfirmButton
      action={{ isPending: false, isReady: true, run }}
      label="Cancel"
      variant="danger"
      question="Cancel?"
      keepLabel="Keep it"
      confirmLabel="Yes, cancel"
    >
      It ends.
    </ConfirmButton>,
  );
  await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
  expect(screen.getByRole("dialog", { name: "Cancel?", description: "It ends." })).toBeTruthy();
  expect(run).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: "Keep it" }));
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(run).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
  await userEvent.click(screen.getByRole("button", { name: "Yes, cancel" }));
  expect(run).toHaveBeenCalledTimes(1);
});
