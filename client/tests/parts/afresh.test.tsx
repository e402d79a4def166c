import { render } from "@testing-library/react";
import { expect, test } from "vitest";
import { Afresh } from "@/live/afresh";
import { router } from "./setup";
import { NOW } from "./things";

test("a page is asked for anew when it is shown a second time, and not when it has come anew", () => {
  const first = render(<Afresh renderedAt={NOW} />);
  expect(router.refresh).not.toHaveBeenCalled();
  first.unmount();

  const again = render(<Afresh renderedAt={NOW} />);
  expect(router.refresh).toHaveBeenCalledTimes(1);
  again.rerender(<Afresh renderedAt={NOW + 1} />);
  expect(router.refresh).toHaveBeenCalledTimes(1);
});
