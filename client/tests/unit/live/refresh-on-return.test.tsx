import { render } from "@testing-library/react";
import { expect, test } from "vitest";
import { RefreshOnReturn } from "@/live/refresh-on-return";
import { NOW } from "../helpers/factories";
import { router } from "../setup";

test("RefreshOnReturn refreshes a page that is shown a second time, and not a new render", () => {
  const first = render(<RefreshOnReturn renderedAt={NOW} />);
  expect(router.refresh).not.toHaveBeenCalled();
  first.unmount();

  const second = render(<RefreshOnReturn renderedAt={NOW} />);
  expect(router.refresh).toHaveBeenCalledTimes(1);
  second.rerender(<RefreshOnReturn renderedAt={NOW + 1} />);
  expect(router.refresh).toHaveBeenCalledTimes(1);
});
