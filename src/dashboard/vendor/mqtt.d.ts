/** deploy/build-dashboard.mjs copies the library's own browser module beside it; its only export is the whole API. */
export { default } from "mqtt";
