"""Measure the system against named limits in the same run.

Each section starts stacks of its own. Prints every figure beside its goal, and writes them to
bench/RESULTS.md unless only some sections run.
"""

import argparse
import asyncio
import logging
import time

import structlog
import uvloop
from bench.enumeration import measure_enumeration
from bench.orders import measure_on_sale, measure_order_delays
from bench.pages import measure_pages
from bench.refused import measure_refused
from bench.report import RESULTS, console, print_figures, write_results
from bench.routes import measure_growth, measure_routes, measure_sign_in
from bench.stack import measure_rest
from bench.streams import measure_streams

SECTIONS = {
    "routes": measure_routes,
    "sign-in": measure_sign_in,
    "enumeration": measure_enumeration,
    "growth": measure_growth,
    "orders": measure_order_delays,
    "on-sale": measure_on_sale,
    "streams": measure_streams,
    "refused": measure_refused,
    "pages": measure_pages,
    "rest": measure_rest,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=SECTIONS, help="run only this section")
    args = parser.parse_args()
    # Some sections run parts of the system in this process.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    start = time.perf_counter()
    figures = []
    for name in args.only or SECTIONS:
        console.print(f"{time.perf_counter() - start:6.1f} s  {name}")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            figures += runner.run(SECTIONS[name]())
    print_figures(figures)
    if not args.only:
        write_results(figures, time.perf_counter() - start)
        console.print(f"Written to {RESULTS}")


if __name__ == "__main__":
    main()
