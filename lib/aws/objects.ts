import type { Outcome } from "./outcome.ts"

/** Objects of the course's bucket. */
export interface S3 {
  /** Every key that begins so; none where there is no such bucket. */
  keysUnder(bucket: string, prefix: string): Promise<string[]>
  /** Within the bucket, at AWS; up to 5 GB, which is S3's bound for one call. */
  copy(bucket: string, from: string, to: string): Promise<Outcome>
  /** Deleting what is not there succeeds. */
  remove(bucket: string, key: string): Promise<Outcome>
}
