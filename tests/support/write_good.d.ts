/** The parts of write-good that tests use; it comes without types. */
declare module "write-good" {
  interface Finding {
    index: number
    offset: number
  }
  interface Complaint extends Finding {
    reason: string
  }
  type Check = { explanation: string; fn: (text: string) => Finding[] }
  function writeGood(
    text: string,
    options?: { checks: Record<string, Check> } | Record<string, boolean | string[]>,
  ): Complaint[]
  export default writeGood
}
