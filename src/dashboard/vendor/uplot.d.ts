/** deploy/build-dashboard.mjs copies the library's own ES module beside it. */
export { default } from "uplot";
