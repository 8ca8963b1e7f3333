/** Scripts for the browser, bundled as text. */
declare module "*.client.js" {
  const text: string
  export default text
}
