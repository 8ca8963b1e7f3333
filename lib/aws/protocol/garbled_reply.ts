/** The reply cannot be what AWS sent: cut short, not XML or not of this operation. Nothing may be concluded from it. */
export class GarbledReply extends Error {
  override readonly name = "GarbledReply"
}
