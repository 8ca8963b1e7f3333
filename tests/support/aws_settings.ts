import type { AwsSettings } from "../../lib/aws/aws.ts"
import { systemClock } from "../../lib/host/clock.ts"

/** Settings for an emulator, without the waiting that AWS deserves. */
export function settingsFor(endpoint: string, changes: Partial<AwsSettings> = {}): AwsSettings {
  return {
    region: "us-east-1",
    endpoint,
    credentials: { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "not-a-secret" },
    proxy: null,
    caFile: null,
    clock: systemClock,
    interrupt: new AbortController().signal,
    patience: {
      throttled: { most: 5, delayMs: 2 },
      failed: { most: 3, delayMs: 1 },
      totalMs: 5_000,
      attemptMs: 5_000,
    },
    ...changes,
  }
}
