// explore.js - the page of a sweep: its points in two figures with the front, two of its axes as a map, what each knob does to one point, and
// all points as a table. One point is chosen; every part of the page shows it.

function explorePage() {
    const points = readPoints(), good = points.filter(point => point.state === 'ok');
    const axes = facts.axes.map(key => ({key, values: [...new Set(points.map(point => point[key]))]
        .sort((a, b) => d3.ascending(a, b))})).filter(axis => axis.values.length > 1);
    const figures = Object.keys(facts.figures.point).filter(key => key in points[0] && unitOf('point', key) !== 'words' &&
        unitOf('point', key) !== 'yes_no');
    const judged = facts.qualities.filter(key => good.some(point => typeof point[key] === 'number'));
    const sweep = {points, good, axes, figures: [...figures, ...judged], judged, listeners: [],
        chosen: good.find(point => point.front) || good[0]};
    sweep.choose = point => {
        sweep.chosen = point;
        sweep.listeners.forEach(listener => listener());
    };
    sweepHead(sweep);
    if (good.length > 0) {
        scatter(sweep);
        if (axes.length > 1) heatMap(sweep);
        if (axes.length > 0) slices(sweep);
    }
    pointsTable(sweep);
    sameOfAll(sweep);
}

// The rows of the CSV, numbers as numbers; an empty cell is not known.
function readPoints() {
    const words = new Set(facts.words), truths = new Set(['front', 'undecided']);
    return d3.csv.parse(facts.points).map((row, index) => ({index, ...Object.fromEntries(Object.entries(row).map(([key, text]) =>
        [key, words.has(key) && text !== '' || key === 'why' ? text : text === '' ? null : truths.has(key) ? text === '1' : Number.isNaN(Number(text)) ? text
            : Number(text)]))}));
}

const keyTitle = key => titleOf('point', key);
const keyText = (key, value) => textOf(value, ['agreement', 'accuracy'].includes(key) ? 'share' : unitOf('point', key));
const nameOf = (sweep, point) => sweep.axes.map(axis => `${axis.key.replace(/_/g, ' ')} ${keyText(axis.key, point[axis.key])}`).join(', ');
const pointLines = (sweep, point) => [nameOf(sweep, point) || fileName(point.model), ...['seconds', 'cycles', 'utilization', 'energy_pj',
    ...sweep.judged].filter(key => key in point).map(key => `${keyTitle(key)} ${keyText(key, point[key])}`),
    ...(point.front ? [point.undecided ? 'on the front, within what prices leave open' : 'on the front'] : [])];

function sweepHead(sweep) {
    const front = sweep.good.filter(point => point.front), models = [...new Set(sweep.points.map(point => fileName(point.model)))];
    const range = key => {
        const [low, high] = d3.extent(sweep.good, point => point[key]);
        return low === undefined ? '-' : `${keyText(key, low)} to ${keyText(key, high)}`;
    };
    document.title = `${models.join(', ')}: ${sweep.points.length} points`;
    const impossible = sweep.points.length - sweep.good.length;
    document.querySelector('main').append(element('header', {}, element('h1', {}, models.join(', ')),
        element('p', {class: 'note'}, `${sweep.points.length} points: ${sweep.axes.map(axis =>
            `${axis.values.length} of ${axis.key.replace(/_/g, ' ')}`).join(' × ')}`),
        element('div', {class: 'tiles'}, tile('points', element('b', {}, whole(sweep.points.length)), impossible === 0 ? 'all can be built'
            : `${whole(impossible)} cannot be`), tile('on the front', element('b', {}, whole(front.length)), 'no other is better in all'),
        tile('latency', element('b', {}, sweep.good.length > 0 ? formats.seconds(d3.min(sweep.good, point => point.seconds)) : '-'),
            range('seconds')),
        tile('energy', element('b', {}, sweep.good.length > 0 ? formats.pj(d3.min(sweep.good, point => point.energy_pj)) : '-'),
            range('energy_pj')))));
}

// ---- two figures against each other ----

const figureChoice = (sweep, title, value, changed) => choice(title, sweep.figures.map(key => [key, keyTitle(key)]), value, changed);

// A logarithmic scale where all is above 0 and spread, else a linear one.
function scaleOf(values) {
    const [low, high] = d3.extent(values);
    if (low > 0 && high / low > 2.5) return d3.scale.log().domain(around(values, 1.15));
    const room = (high - low || Math.abs(high) || 1) * 0.06;
    return d3.scale.linear().domain([low - room, high + room]);
}

function scatter(sweep) {
    const shown = {x: 'seconds', y: 'energy_pj', color: ''};
    const note = element('p', {class: 'chosen-point', 'aria-live': 'polite'});
    const palette = ['blue', 'orange', 'green', 'violet', 'ochre', 'rose', 'grey'];
    const colorOf = point => {
        const axis = sweep.axes.find(({key}) => key === shown.color);
        return axis ? `color-${palette[axis.values.indexOf(point[axis.key]) % palette.length]}` : point.front ? 'color-orange' : 'color-blue';
    };
    const keys = element('div', {class: 'legends'});
    const fillKeys = () => {
        const axis = sweep.axes.find(({key}) => key === shown.color);
        keys.replaceChildren(axis ? element('ul', {class: 'legend'}, ...axis.values.map((value, i) => element('li', {}, element('i',
            {class: `color-${palette[i % palette.length]}`}), keyText(axis.key, value)))) : element('ul', {class: 'legend'}, element('li', {},
            element('i', {class: 'color-orange'}), 'on the front'), element('li', {}, element('i', {class: 'color-blue'}), 'others')));
    };
    const draw = width => {
        const seen = sweep.good.filter(point => point[shown.x] !== null && point[shown.y] !== null);
        const x = scaleOf(seen.map(point => point[shown.x])), y = scaleOf(seen.map(point => point[shown.y]));
        const {svg, plot} = frame(x, y, {width, height: Math.min(520, Math.max(340, width * 0.5))}, {x: keyTitle(shown.x), y: keyTitle(shown.y),
            xFormat: value => keyText(shown.x, value), yFormat: value => keyText(shown.y, value)}, 'points');
        const front = seen.filter(point => point.front).sort((a, b) => a[shown.x] - b[shown.x]);
        if (shown.x === 'seconds' && shown.y === 'energy_pj' && sweep.judged.length === 0 && new Set(front.map(point => point.model)).size === 1)
            plot.append('path').attr({class: 'front', d: d3.svg.line().interpolate('step-after')
                .x(point => x(point[shown.x])).y(point => y(point[shown.y]))(front)});
        [...seen].sort((a, b) => a.front - b.front).forEach(point => {
            const mark = plot.append('circle').attr({class: `mark ${colorOf(point)}${point.front ? ' on-front' : ''}`, cx: x(point[shown.x]),
                cy: y(point[shown.y]), r: point.front ? 4.5 : seen.length > 500 ? 2.4 : 3.2, 'data-point': point.index, role: 'img',
                tabindex: point.front ? 0 : -1, 'aria-label': nameOf(sweep, point)}).node();
            tells(mark, () => pointLines(sweep, point));
            mark.addEventListener('click', () => sweep.choose(point));
            mark.addEventListener('keydown', event => walk(event, point, seen));
        });
        if (seen.includes(sweep.chosen))
            plot.append('circle').attr({class: 'ring', cx: x(sweep.chosen[shown.x]), cy: y(sweep.chosen[shown.y]), r: 8});
        return svg.node();
    };
    // Enter chooses; arrows go to the next point to the right or left.
    function walk(event, point, seen) {
        const by = {ArrowRight: 1, ArrowLeft: -1}[event.key];
        if (event.key === 'Enter' || event.key === ' ') sweep.choose(point);
        else if (!by) return;
        event.preventDefault();
        const sorted = [...seen].sort((a, b) => a[shown.x] - b[shown.x] || a.index - b.index);
        const next = by ? sorted[sorted.indexOf(point) + by] : point, mark = next && box.querySelector(`[data-point="${next.index}"]`);
        if (mark) mark.focus();
    }
    const box = drawn(draw);
    const again = () => {
        fillKeys();
        box.redraw();
        note.textContent = `Chosen: ${pointLines(sweep, sweep.chosen).join(' · ')}`;
    };
    sweep.listeners.push(again);
    again();
    section('points', 'Points and front', 'A click or Enter chooses a point; arrows go from point to point.',
        element('div', {class: 'controls'}, figureChoice(sweep, 'Across', shown.x, value => { shown.x = value; again(); }),
            figureChoice(sweep, 'Upwards', shown.y, value => { shown.y = value; again(); }),
            choice('Colour', [['', 'front'], ...sweep.axes.map(axis => [axis.key, axis.key.replace(/_/g, ' ')])], '', value => {
                shown.color = value;
                again();
            })), keys, box, note);
}

// ---- a map over two axes ----

// Whether less of a figure is better.
const lessIsBetter = key => !['utilization', 'sqnr_db', 'agreement', 'accuracy'].includes(key);

function heatMap(sweep) {
    const [longest, next] = [...sweep.axes].sort((a, b) => b.values.length - a.values.length);
    const shown = {x: next.key, y: longest.key, figure: 'seconds', others: 'best'};
    const bestOf = list => list.reduce((best, point) => best === null || (point[shown.figure] - best[shown.figure]) *
        (lessIsBetter(shown.figure) ? 1 : -1) < 0 ? point : best, null);
    const fits = point => shown.others === 'best' || sweep.axes.every(axis => [shown.x, shown.y].includes(axis.key) ||
        point[axis.key] === sweep.chosen[axis.key]);
    const draw = width => {
        const [across, up] = [shown.x, shown.y].map(key => sweep.axes.find(axis => axis.key === key));
        const left = 84, top = 26, cell = Math.max(34, Math.min(120, (width - left) / across.values.length)), high = 34;
        const svg = newSvg(Math.max(width, left + cell * across.values.length), top + 24 + high * up.values.length, 'map');
        const groups = up.values.map(v => across.values.map(h => bestOf(sweep.good.filter(point => point[across.key] === h &&
            point[up.key] === v && fits(point)))));
        const [low, most] = d3.extent(groups.flat().filter(Boolean), point => point[shown.figure]);
        const strength = value => most === low ? 0.5 : 0.06 + 0.9 * (low > 0 ? Math.log(value / low) / Math.log(most / low)
            : (value - low) / (most - low));
        across.values.forEach((value, i) => svg.append('text').attr({class: 'label', x: left + cell * (i + 0.5), y: top - 8,
            'text-anchor': 'middle'}).text(keyText(across.key, value)));
        up.values.forEach((value, j) => {
            svg.append('text').attr({class: 'label', x: left - 8, y: top + high * (j + 0.5) + 4, 'text-anchor': 'end'})
                .text(keyText(up.key, value));
            groups[j].forEach((point, i) => drawCell(svg, point, {x: left + cell * i, y: top + high * j, cell, high}, strength));
        });
        svg.append('text').attr({class: 'title', x: 0, y: top - 8}).text(`${up.key.replace(/_/g, ' ')} ↓`.slice(0, 13));
        svg.append('text').attr({class: 'title', x: left, y: top + high * up.values.length + 18}).text(`${across.key.replace(/_/g, ' ')} →`);
        return svg.node();
    };
    function drawCell(svg, point, {x, y, cell, high}, strength) {
        const share = point === null ? 0 : strength(point[shown.figure]);
        const mark = svg.append('rect').attr({class: point === null ? 'lane' : `mark heat${point === sweep.chosen ? ' chosen-cell' : ''}`, x: x + 1,
            y: y + 1, width: cell - 2, height: high - 2, 'fill-opacity': point === null ? 1 : share, tabindex: point === null ? -1 : 0, role: 'img',
            'aria-label': point === null ? 'none' : `${nameOf(sweep, point)}: ${keyText(shown.figure, point[shown.figure])}`}).node();
        if (point === null) return;
        tells(mark, () => pointLines(sweep, point));
        mark.addEventListener('click', () => sweep.choose(point));
        mark.addEventListener('keydown', event => { if (event.key === 'Enter') sweep.choose(point); });
        const text = keyText(shown.figure, point[shown.figure]);
        if (text.length * 6.4 < cell - 4)
            svg.append('text').attr({class: `inside${share > 0.55 ? ' on-dark' : ''}`, x: x + cell / 2, y: y + high / 2 + 4, 'text-anchor': 'middle'})
                .text(text);
    }
    const box = drawn(draw), wide = element('div', {class: 'wide', tabindex: 0, role: 'region', 'aria-label': 'map'}, box);
    const axisChoice = (title, place, other) => choice(title, sweep.axes.map(axis => [axis.key, axis.key.replace(/_/g, ' ')]), shown[place],
        value => {
            if (value === shown[other]) shown[other] = shown[place];
            shown[place] = value;
            rebuild();
        });
    const controls = element('div', {class: 'controls'});
    const rebuild = () => {
        controls.replaceChildren(figureChoice(sweep, 'Figure', shown.figure, value => { shown.figure = value; box.redraw(); }),
            axisChoice('Down', 'y', 'x'), axisChoice('Across', 'x', 'y'), choice('Other axes', [['best', 'the best of them'],
                ['chosen', 'as the chosen point']], shown.others, value => { shown.others = value; box.redraw(); }));
        box.redraw();
    };
    sweep.listeners.push(() => box.redraw());
    rebuild();
    section('map', 'Map over two axes', 'Darker is more. An empty cell has no point that can be built.', controls, wide);
}

// ---- slices ----

function slices(sweep) {
    const shown = {figure: 'seconds'}, grid = element('div', {class: 'slices'});
    const others = axis => sweep.axes.filter(other => other !== axis);
    const sliceOf = axis => sweep.good.filter(point => others(axis).every(({key}) => point[key] === sweep.chosen[key]) &&
        point[shown.figure] !== null).sort((a, b) => d3.ascending(a[axis.key], b[axis.key]));
    const draw = axis => width => {
        const slice = sliceOf(axis), x = d3.scale.ordinal().domain(axis.values.map(String));
        const y = d3.scale.linear().domain([0, d3.max(sweep.axes.flatMap(sliceOf), point => point[shown.figure]) * 1.08 || 1]);
        const height = 170, left = 66, bottom = 34;
        const svg = newSvg(width, height, axis.key);
        x.rangePoints([left + 12, width - 22]);
        y.range([height - bottom, 12]);
        svg.append('g').attr({class: 'axis', transform: `translate(${left},0)`}).call(axisLeft(y, width - left - 10));
        const every = Math.ceil(axis.values.length / Math.max(2, (width - left) / 62));
        axis.values.forEach((value, i) => {
            if (i % every === 0) svg.append('text').attr({class: 'label', x: x(String(value)), y: height - 16, 'text-anchor': 'middle'})
                .text(keyText(axis.key, value));
        });
        svg.append('path').attr({class: 'front', d: d3.svg.line().x(point => x(String(point[axis.key]))).y(point => y(point[shown.figure]))(slice)});
        slice.forEach(point => {
            const mark = svg.append('circle').attr({class: `mark ${point === sweep.chosen ? 'color-orange' : 'color-blue'}`, tabindex: 0, role: 'img',
                cx: x(String(point[axis.key])), cy: y(point[shown.figure]), r: point === sweep.chosen ? 5 : 3.5,
                'aria-label': nameOf(sweep, point)}).node();
            tells(mark, () => pointLines(sweep, point));
            mark.addEventListener('click', () => sweep.choose(point));
            mark.addEventListener('keydown', event => { if (event.key === 'Enter') sweep.choose(point); });
        });
        return svg.node();
    };
    const axisLeft = (y, across) => d3.svg.axis().scale(y).orient('left').ticks(4).outerTickSize(0).innerTickSize(-across).tickPadding(6)
        .tickFormat(value => keyText(shown.figure, value));
    const boxes = sweep.axes.map(axis => {
        const box = drawn(draw(axis), 220);
        grid.append(element('figure', {}, element('figcaption', {}, axis.key.replace(/_/g, ' ')), box));
        return box;
    });
    const again = () => boxes.forEach(box => box.redraw());
    sweep.listeners.push(again);
    section('slices', 'What each knob does to the chosen point', 'All other knobs stay as they are; the scale is the same in all.',
        element('div', {class: 'controls'}, figureChoice(sweep, 'Figure', shown.figure, value => { shown.figure = value; again(); })), grid);
}

// ---- all points ----

function pointsTable(sweep) {
    const isShown = key => new Set(sweep.points.map(point => point[key])).size > 1;
    const flags = ['state', 'overflow', 'undecided', 'why'].filter(isShown);
    const keys = [...sweep.axes.map(axis => axis.key), 'front', ...sweep.judged, ...Object.keys(facts.figures.point)
        .filter(key => key in sweep.points[0]), ...flags];
    const columns = keys.map(key => {
        const number = sweep.points.some(point => typeof point[key] === 'number');
        return {title: keyTitle(key), number, sort: point => point[key], cell: point => marked('td', `points.${point.index}.${key}`, point[key],
            ['agreement', 'accuracy'].includes(key) ? 'share' : unitOf('point', key), {class: number ? 'number' : null})};
    });
    const choose = {title: 'point', number: true, sort: point => point.index, cell: point => element('td', {class: 'number'}, point.state === 'ok'
        ? element('button', {type: 'button', class: 'plain', onclick: () => sweep.choose(point)}, whole(point.index + 1))
        : whole(point.index + 1))};
    const all = table([choose, ...columns], sweep.points, point => ({class: `${point.front ? '' : 'off-front'} row-${point.index}`}));
    const onlyFront = element('input', {type: 'checkbox', onchange: () => all.classList.toggle('only-front', onlyFront.checked)});
    const show = () => {
        all.querySelectorAll('[aria-selected]').forEach(row => row.removeAttribute('aria-selected'));
        const row = sweep.chosen && all.querySelector(`.row-${sweep.chosen.index}`);
        if (row) row.setAttribute('aria-selected', 'true');
    };
    sweep.listeners.push(show);
    show();
    all.classList.add('tall');
    section('table', 'All points', 'A head sorts by its column; the number of a point chooses it. On paper only the front is printed.',
        element('div', {class: 'controls'}, element('label', {}, onlyFront, ' only the front')), all);
}

function sameOfAll(sweep) {
    const shown = new Set([...sweep.axes.map(axis => axis.key), ...Object.keys(facts.figures.point), 'index', 'why', 'state', 'fingerprint',
        ...facts.qualities, 'front', 'undecided', 'overflow']);
    const same = Object.keys(sweep.points[0]).filter(key => !shown.has(key) && new Set(sweep.points.map(point => point[key])).size === 1);
    section('provenance', 'The same of all points, and where they come from', null,
        element('div', {class: 'columns'}, pairs(same.map(key => [key.replace(/_/g, ' '), element('td', {class: 'number'},
            textOf(sweep.points[0][key], 'number'))]))),
        pairs([...priceRows(), ['program', element('td', {},
            `qmac ${facts.qmac}`)]]),
        facts.command === null ? null : element('div', {}, element('p', {}, 'The same again:'), element('pre', {tabindex: 0}, facts.command)));
}
