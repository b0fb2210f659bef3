// Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
/** Values: small readers of JSON values. They know no message. */

import type { JsonObject, Way } from "./options.js";

/** Tell whether a value is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const INHERITED = Object.prototype as unknown as JsonObject;

/** Return what a way leads to; undefined where there is nothing. */
export function read(value: unknown, way: Way): unknown {
  let found = value;
  for (const name of way) {
    if (!isObject(found)) {
      return undefined;
    }
    const inner = found[name];
    // What every object of JavaScript has is none of its members; everything else in JSON is no function and no prototype.
    found = inner === INHERITED[name] && !Object.hasOwn(found, name) ? undefined : inner;
  }
  return found;
}

/** Return a copy of an object in which the way leads to another value; undefined takes the last member out. */
export function write(target: JsonObject, way: Way, value: unknown): JsonObject {
  const [name, ...rest] = way;
  if (name === undefined) {
    return target;
  }
  const copy: JsonObject = { ...target };
  if (rest.length > 0) {
    const inner = copy[name];
    copy[name] = write(isObject(inner) ? inner : {}, rest, value);
  } else if (value === undefined) {
    delete copy[name];
  } else {
    copy[name] = value;
  }
  return copy;
}
