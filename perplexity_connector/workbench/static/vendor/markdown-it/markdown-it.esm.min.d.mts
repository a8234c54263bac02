/** The types of the file beside, from the npm package. Only the type check reads this. */
export { default } from "markdown-it";
export type * from "markdown-it";
