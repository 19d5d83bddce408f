// Every screen has an address that means the same tomorrow: #/case/<case>?lane=…&mode=heat&zoom=4&q=…
const decode = (text) => { try { return decodeURIComponent(text); } catch { return text; } };
const encodePath = (text) => encodeURIComponent(text).replace(/%2F/g, "/");
const encodeQuery = (text) => encodeURIComponent(text).replace(/%2F/g, "/").replace(/%3A/g, ":").replace(/%20/g, "+").replace(/%2C/g, ",");

const readAddress = (hash = location.hash) => {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [screen, ...rest] = path.split("/");
  return { ...Object.fromEntries(new URLSearchParams(query)), screen: screen || "summary", subject: decode(rest.join("/")) };
};
const writeAddress = ({ screen, subject, ...query }) => {
  const named = Object.entries(query).filter(([, value]) => value !== undefined && value !== "" && value !== null);
  const path = screen === "summary" ? "" : `${screen}${subject ? `/${screen === "case" ? encodeURIComponent(subject) : encodePath(subject)}` : ""}`;
  return `#/${path}${named.length ? `?${named.map(([name, value]) => `${name}=${encodeQuery(String(value))}`).join("&")}` : ""}`;
};
let here = readAddress();
/** Go to a screen, at once: a key that follows means the new one. The filter stays. */
const goTo = (address) => { location.hash = writeAddress({ q: here.q, ...address }); visit(); };
let drawn = null; // the address that is on the screen
/** Change what is shown here, without a step in the history. */
const amend = (changes) => {
  here = { ...here, ...changes };
  history.replaceState(null, "", writeAddress(here));
  drawn = location.hash;
};
const caseAddress = (name, lane) => writeAddress({ screen: "case", subject: name, lane, q: here.q });
