/** Called by Next.js when its router begins to load a page. */
export function onRouterTransitionStart(url: string): void {
  window.dispatchEvent(new CustomEvent("navigation-start", { detail: url }));
}
