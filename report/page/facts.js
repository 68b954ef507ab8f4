'use strict';
// facts.js - what the page shows, how numbers become short texts (as report/cells.c prints them), and elements of HTML. Texts of others
// enter the page as text nodes and attributes only.

const facts = JSON.parse(document.getElementById('facts').textContent);

// The largest unit that leaves at least 1, with three digits.
function scaled(value, factor, units) {
    let unit = 0;
    for (; unit + 1 < units.length && value >= 999.5; unit++) value /= factor;
    return `${value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)}\u00a0${units[unit]}`;
}

const whole = value => Math.trunc(value).toLocaleString('en-US');

const formats = {
    words: value => String(value),
    yes_no: value => value ? 'yes' : 'no',
    count: whole,
    macs: value => value === 0 ? '-' : value < 1000 ? whole(value) : scaled(value / 1e3, 1e3, ['k', 'M', 'G', 'T']),
    bytes: value => value < 1024 ? `${whole(value)}\u00a0B` : scaled(value / 1024, 1024, ['KiB', 'MiB', 'GiB']),
    seconds: value => scaled(value * 1e9, 1e3, ['ns', 'us', 'ms', 's']),
    share: value => `${(100 * value).toFixed(1)}\u00a0%`,
    pj: value => scaled(value, 1e3, ['pJ', 'nJ', 'uJ', 'mJ', 'J']),
    tera: value => String(Number(value.toPrecision(3))),
    mw: value => `${value.toFixed(1)}\u00a0mW`,
    number: value => Number.isInteger(value) ? whole(value) : String(Number(value.toPrecision(6))),
};

// The unit of a key of "total", "layer" or "point": that of its row in report/figures.def, whose members are behind a '.'.
function unitOf(place, key) {
    for (let name = key; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.'))))
        if (facts.figures[place][name]) return facts.figures[place][name].unit;
    return 'number';
}

const titleOf = (place, key) => (facts.figures[place][key] || {}).title || key.replace(/_/g, ' ').replace(/\./g, ' · ');

function textOf(value, unit) {
    if (value === null || value === undefined || value === '') return '-';
    if (typeof value === 'boolean') return formats.yes_no(value);
    return typeof value === 'number' ? (formats[unit] || formats.number)(value) : String(value);
}

// All numbers, words and nulls of an object, as [path, value].
function leaves(object, path = '') {
    return Object.entries(object).flatMap(([key, value]) => {
        const at = path === '' ? key : `${path}.${key}`;
        return value !== null && typeof value === 'object' ? leaves(value, at) : [[at, value]];
    });
}

// The last of the names of a path, and of a tensor the first that TFLite joins with ';', of a long one the end.
const fileName = path => path.replace(/.*\//, '');
function shortName(name, most = 26) {
    const first = name.split(';')[0];
    return first.length > most ? `…${first.slice(1 - most)}` : first;
}

// ---- elements ----

function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
        if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
        else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : value);
    made.append(...children.filter(child => child !== null));
    return made;
}

// A figure, marked so that it is found: its path in the JSON, and its number as it stands there.
const marked = (tag, path, value, unit, attributes = {}) =>
    element(tag, {'data-figure': path, 'data-value': value === null ? 'null' : String(value), ...attributes}, textOf(value, unit));

function section(id, title, note, ...children) {
    const made = element('section', {id}, element('h2', {}, title), note ? element('p', {class: 'note'}, note) : null, ...children);
    document.querySelector('main').append(made);
    return made;
}

const tile = (title, value, note) => element('div', {class: 'tile'}, element('span', {class: 'title'}, title), value,
    element('span', {class: 'under'}, note || ''));

const legend = (names, family) => element('ul', {class: 'legend'}, ...names.map(name =>
    element('li', {}, element('i', {class: `${family}-${name}`}), name)));

// A list to choose from; [value, text] each.
function choice(title, options, value, changed) {
    const list = element('select', {onchange: () => changed(list.value)}, ...options.map(([name, text]) =>
        element('option', {value: name, selected: name === value}, text)));
    return element('label', {class: 'choice'}, `${title} `, list);
}

// Rows of pairs(): the tables of prices, by name and content.
const priceRows = () => facts.prices.flatMap(prices => [['prices', element('td', {}, `table ${prices.table}: ${prices.about}`)],
    ['SHA-256', element('td', {class: 'digest'}, prices.sha256)]]);

// ---- tables ----

// columns: {title, number, sort(row), cell(row)}. A button in each head sorts by it, once more the other way.
function table(columns, rows, rowAttributes = () => ({})) {
    const body = element('tbody');
    const fill = sorted => body.replaceChildren(...sorted.map(row =>
        element('tr', rowAttributes(row), ...columns.map(column => column.cell(row)))));
    const heads = columns.map(column => element('th', {scope: 'col', class: column.number ? 'number' : null},
        element('button', {type: 'button', onclick: () => sortBy(column)}, column.title)));
    let sortedBy = null, downwards = false;
    function sortBy(column) {
        downwards = sortedBy === column ? !downwards : Boolean(column.number);
        sortedBy = column;
        heads.forEach((head, i) => columns[i] === column ? head.setAttribute('aria-sort', downwards ? 'descending' : 'ascending')
            : head.removeAttribute('aria-sort'));
        fill([...rows].sort((a, b) => (downwards ? -1 : 1) * d3.ascending(column.sort(a), column.sort(b))));
    }
    fill(rows);
    return element('div', {class: 'wide', tabindex: 0, role: 'region', 'aria-label': 'table'},
        element('table', {}, element('thead', {}, element('tr', {}, ...heads)), body));
}

const pairs = rows => element('table', {class: 'pairs'}, element('tbody', {}, ...rows.map(([title, cell]) =>
    element('tr', {}, element('th', {scope: 'row'}, title), cell))));

// ---- the line beside the mouse, which is also what a screen reader hears ----

const tip = document.getElementById('tip');
function showTip(lines, x, y) {
    tip.replaceChildren(...lines.map((line, i) => element(i === 0 ? 'b' : 'span', {}, line)));
    tip.hidden = false;
    tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${y + 18 + tip.offsetHeight < innerHeight ? y + 18 : Math.max(4, y - tip.offsetHeight - 10)}px`;
}
const hideTip = () => { tip.hidden = true; };

// Shows lines() of a mark while the mouse or the keyboard is on it.
function tells(mark, lines) {
    mark.addEventListener('mousemove', event => showTip(lines(), event.clientX, event.clientY));
    mark.addEventListener('mouseleave', hideTip);
    mark.addEventListener('focus', () => {
        const box = mark.getBoundingClientRect();
        showTip(lines(), box.right, box.top);
    });
    mark.addEventListener('blur', hideTip);
}
