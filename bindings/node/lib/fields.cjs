'use strict';
// The fields of an answer: checked when they are set, so that the error shows where the mistake is.

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// RFC 9110, 5.5: visible ASCII, spaces, tabs and bytes above; a character stands for one byte.
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function checkName(name) {
  if (typeof name !== 'string' || !TOKEN.test(name)) throw new TypeError(`not a field name: ${JSON.stringify(name)}`);
}

function checkValue(name, value) {
  const text = typeof value === 'string' ? value : String(value);
  if (value === undefined || value === null || !VALUE.test(text)) {
    throw new TypeError(`not a value for the field ${name}: ${JSON.stringify(value)}`);
  }
  return text;
}

/** A list of names (in lower case) and values in turn. */
class Fields {
  constructor() {
    this.list = [];
  }

  get(name) {
    const index = this.find(name.toLowerCase());
    return index < 0 ? undefined : this.list[index + 1];
  }

  find(lower) {
    for (let i = 0; i < this.list.length; i += 2) if (this.list[i] === lower) return i;
    return -1;
  }

  /** Replaces all fields of this name by one for each value. */
  set(name, value) {
    checkName(name);
    const lower = name.toLowerCase();
    const values = Array.isArray(value) ? value.map((one) => checkValue(name, one)) : [checkValue(name, value)];
    if (this.find(lower) >= 0) this.removeLower(lower);
    for (const one of values) this.list.push(lower, one);
  }

  append(name, value) {
    checkName(name);
    this.list.push(name.toLowerCase(), checkValue(name, value));
  }

  remove(name) {
    this.removeLower(name.toLowerCase());
  }

  removeLower(lower) {
    const left = [];
    for (let i = 0; i < this.list.length; i += 2) if (this.list[i] !== lower) left.push(this.list[i], this.list[i + 1]);
    this.list = left;
  }

  /** From an object, entries, or a `Headers`. */
  static from(init) {
    const fields = new Fields();
    if (init === undefined || init === null) return fields;
    if (init instanceof Fields) fields.list = init.list.slice();
    else if (typeof init[Symbol.iterator] === 'function') for (const [name, value] of init) fields.append(name, value);
    else if (typeof init === 'object') for (const name of Object.keys(init)) fields.set(name, init[name]);
    else throw new TypeError('fields are an object, a list of pairs, or a Headers');
    return fields;
  }

  /** As src/answer.rs reads it. */
  pack() {
    return this.list.length === 0 ? undefined : `${this.list.join('\0')}\0`;
  }
}

module.exports = { Fields };
