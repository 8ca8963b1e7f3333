/** Which operation a product of the spot price history is sold under. */

const operations: [product: RegExp, operation: string][] = [
  [/^Linux\/UNIX/, "RunInstances"],
  [/^Windows/, "RunInstances:0002"],
  [/^SUSE Linux/, "RunInstances:000g"],
  [/^Red Hat Enterprise Linux/, "RunInstances:0010"],
]

/** Null for a product that is sold otherwise. `Linux/UNIX (Amazon VPC)` is what `Linux/UNIX` is. */
export function operationOfProduct(product: string): string | null {
  return operations.find(([pattern]) => pattern.test(product))?.[1] ?? null
}
