import type { Locator, Page } from "playwright-core";

/** Opens the form of a procedure at `/docs`. */
export async function tryOut(page: Page, procedure: string): Promise<Locator> {
  const section = page.locator(".opblock", { hasText: `/${procedure}` });
  await section.locator(".opblock-summary-control").click();
  await section.getByRole("button", { name: "Try it out" }).click();
  return section;
}

/** Sends the form, waits for the status on the page, and returns the body that it shows. */
export async function execute(section: Locator, status: number): Promise<string> {
  await section.getByRole("button", { name: "Execute" }).click();
  const answer = section.locator(".live-responses-table .response", {
    has: section.page().locator(".response-col_status", { hasText: String(status) }),
  });
  return (await answer.locator("code").first().textContent()) ?? "";
}
