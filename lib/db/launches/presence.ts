/**
 * Whether a reservation's run is still at it. On SQLite there is one host, whose processes tell. In PostgreSQL each run holds a session
 * lock on its reservation; that a lock is gone proves nothing of a run on another host: a failover, a cut or a pause does that, too.
 */
import { isAlive, isOfThisKernel } from "../../host/processes/process_identity.ts"
import type { Db } from "../db.ts"
import { lockNameOf } from "./reservation_lock.ts"
import type { Reservation } from "./reservations.ts"

export interface Orphan {
  reservation: Reservation
  /** Its process is certainly gone. Else it may come back, and only what AWS refuses by then cannot happen any more. */
  isCertain: boolean
}

export type Presence = ReturnType<typeof presence>

export function presence({ locks }: Db) {
  return {
    /** Of these, the ones that nobody is at as far as can be seen. */
    orphans(reservations: readonly Reservation[]): Orphan[] {
      const held =
        locks && reservations.length > 0 ? locks.held(reservations.map(lockNameOf)) : new Set<string>()
      return reservations.flatMap((reservation) => {
        if (held.has(lockNameOf(reservation)) || isAlive(reservation.process)) return []
        return [{ reservation, isCertain: !locks || isOfThisKernel(reservation.process) }]
      })
    },

    /** False where the connection that held it was lost: another host may have taken the run for gone. */
    isHeld: (id: string): boolean => !locks || locks.isMine(lockNameOf({ id })),

    letGo(id: string): void {
      locks?.release(lockNameOf({ id }))
    },
  }
}
