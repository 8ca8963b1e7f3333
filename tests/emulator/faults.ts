/** What goes wrong between a tool and AWS, as a test scripts it: the next calls that match fail in the way given. */
import type { AwsRequest } from "./request.ts"

export const faultKinds = [
  /** The connection closes before anything was done, or after it was. */
  "drop-before",
  "drop-after",
  /** Done, but half of the answer arrives. */
  "half-answer",
  /** 200 with what is no AWS answer. */
  "garbage",
  /** 503, as services do when they are overloaded, and as a proxy between would in HTML; nothing done. */
  "unavailable",
  "html-error",
  /** RequestLimitExceeded or ThrottlingException; nothing done. */
  "throttle",
  /** A no that asking again does not change. */
  "refuse",
  /** Answered late, by `delayMs`. */
  "delay",
  /** Answered as if it had no filters, as endpoints do that do not know one. */
  "unfiltered",
  /** Nothing is wrong with it; `onArrival` and `onceDone` act meanwhile. */
  "watched",
] as const
export type FaultKind = (typeof faultKinds)[number]

export interface Fault {
  kind: FaultKind
  /** `RunInstances`; absent: any. */
  action?: string
  service?: string
  /** Whether a request is meant, where action and service do not say enough. */
  matches?: (request: AwsRequest) => boolean
  /** How many requests: 1 by default; Infinity until `clear`. */
  times?: number
  /** Lets so many requests through first. */
  skip?: number
  delayMs?: number
  /** Waited for before the request is carried out, so that a test can act meanwhile. */
  until?: Promise<unknown>
  /** Called before the request is carried out, and before it is answered. */
  onArrival?: () => unknown
  onceDone?: () => unknown
}

export class Faults {
  #scripted: (Fault & Required<Pick<Fault, "times" | "skip">>)[] = []

  /** Scripts a fault; several may wait, each request takes the first that matches. What is returned takes it back. */
  add(fault: Fault): () => void {
    const scripted = { times: 1, skip: 0, ...fault }
    this.#scripted.push(scripted)
    return () => {
      this.#scripted = this.#scripted.filter((other) => other !== scripted)
    }
  }

  clear(): void {
    this.#scripted = []
  }

  /** The fault that this request meets. */
  take(request: AwsRequest): Fault | undefined {
    for (const fault of this.#scripted) {
      const meant =
        (fault.action ?? request.action) === request.action &&
        (fault.service ?? request.service) === request.service &&
        (fault.matches?.(request) ?? true)
      if (!meant || fault.times <= 0) continue
      if (fault.skip > 0) {
        fault.skip -= 1
        continue
      }
      fault.times -= 1
      return fault
    }
    return undefined
  }
}
