/** Work on many items, some at a time: a course has 2,000 users, and IAM throttles. */

const atOnce = 4

/** The results of `work` in the order of `items`; the first failure is thrown, and ends what has not begun. */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length)
  const queue = items.entries()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const [index, item] of queue) results[index] = await work(item)
    }),
  )
  return results
}
