/** The lock that tells other hosts that a reservation's process lives. */

/** Its name, which `reservations.add` takes. */
export const lockNameOf = ({ id }: { id: string }) => `reservation ${id}`
