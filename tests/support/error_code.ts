/** The code of the error that something ends with, "" where it succeeds. */
export function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "",
    (error: Error) => error.name,
  )
}
