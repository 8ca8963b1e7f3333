import { AwsError, fault } from "./errors.ts"

/**
 * All pages of a listing, one after the other. Each reply is whole (see xml.ts), so that its token is there if AWS wrote one;
 * a token that comes a second time would go round for ever.
 */
export async function* pages<Page>(
  action: string,
  fetchPage: (token: string | undefined) => Promise<Page>,
  nextOf: (page: Page) => string | undefined,
): AsyncGenerator<Page> {
  const seen = new Set<string>()
  let token: string | undefined
  do {
    const page = await fetchPage(token)
    yield page
    token = nextOf(page) || undefined
    if (token !== undefined && seen.has(token)) {
      throw new AwsError(action, "AWS sends the same page token twice: try again", fault.garbled, false, "")
    }
    if (token !== undefined) seen.add(token)
  } while (token !== undefined)
}

/** The items of all pages. A page without its list is an error, not an empty page. */
export async function collectPages<Page, Item>(
  action: string,
  fetchPage: (token: string | undefined) => Promise<Page>,
  nextOf: (page: Page) => string | undefined,
  itemsOf: (page: Page) => Item[] | undefined,
): Promise<Item[]> {
  const all: Item[] = []
  for await (const page of pages(action, fetchPage, nextOf)) all.push(...required(action, itemsOf(page)))
  return all
}

/** All items of a listing that pages by `NextToken`. Throws AwsError (garbled) for a page without its list. */
export function paginate<Page extends { NextToken?: string | undefined }, Item>(
  action: string,
  fetchPage: (token: string | undefined) => Promise<Page>,
  itemsOf: (page: Page) => Item[] | undefined,
): Promise<Item[]> {
  return collectPages(action, fetchPage, (page) => page.NextToken, itemsOf)
}

/** `value`, which the reply must have. Throws AwsError (garbled) where it is undefined. */
export function required<T>(action: string, value: T | undefined): T {
  if (value === undefined) {
    throw new AwsError(action, "AWS's reply lacks what was asked for: try again", fault.garbled, true, "")
  }
  return value
}
