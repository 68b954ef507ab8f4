// timeline.js - when each instruction ran: a lane for each unit, from its START to its END. What is narrower than a pixel is drawn together
// with its neighbours, as dark as the unit is busy there.

function timeline(report) {
    const cycles = report.cycles, laneHeight = 34, left = 64, top = 24;
    const lanes = Object.entries(facts.units).map(([name, list]) => ({name, runs: d3.range(0, list.length, 4).map(i =>
        ({opcode: facts.opcodes[list[i]], layer: list[i + 1], from: list[i + 2], to: list[i + 3] + 1}))}));
    const view = {from: 0, to: cycles, lane: 0, run: -1};
    const startsAt = d3.bisector(run => run.from).right;

    // The pieces of a lane that are seen, none narrower than a pixel: {from, to, busy, layer, runs}.
    function pieces(lane, perPixel) {
        const seen = [];
        for (let i = Math.max(0, startsAt(lane.runs, view.from) - 1); i < lane.runs.length && lane.runs[i].from < view.to; i++) {
            const run = lane.runs[i], last = seen[seen.length - 1];
            if (last && last.layer === run.layer && run.to - last.from < 1.5 * perPixel) {
                last.to = run.to;
                last.busy += run.to - run.from;
            } else {
                seen.push({from: run.from, to: run.to, busy: run.to - run.from, layer: run.layer});
            }
        }
        return seen;
    }

    // Stretches of a lane that belong to one layer, for its name.
    function stretches(lane) {
        const list = [];
        lane.runs.forEach(run => {
            const last = list[list.length - 1];
            if (last && last.layer === run.layer) last.to = run.to;
            else list.push({layer: run.layer, from: run.from, to: run.to});
        });
        return list.filter(({from, to}) => to > view.from && from < view.to);
    }

    function drawLane(svg, lane, index, x) {
        const y = top + index * laneHeight;
        svg.append('text').attr({class: 'title', x: left - 8, y: y + 19, 'text-anchor': 'end'}).text(lane.name);
        svg.append('rect').attr({class: 'lane', x: left, y, width: x.range()[1] - left, height: laneHeight - 6});
        const area = svg.append('g').attr('clip-path', 'url(#lanes)');
        pieces(lane, (view.to - view.from) / (x.range()[1] - left)).forEach(piece => area.append('rect').attr({
            class: `mark unit-${lane.name}${piece.layer % 2 ? ' odd' : ''}`, x: x(piece.from), y,
            width: Math.max(0.8, x(piece.to) - x(piece.from) - (x(piece.to) - x(piece.from) > 4 ? 1 : 0)), height: laneHeight - 6,
            opacity: 0.35 + 0.65 * Math.min(1, piece.busy / (piece.to - piece.from))}));
        stretches(lane).forEach((stretch, i, list) => {
            const next = i + 1 < list.length ? list[i + 1].from : stretch.to; /* the next may start before this one ends */
            const from = Math.max(left, x(stretch.from)), room = Math.min(x.range()[1], x(Math.min(stretch.to, next))) - from;
            const text = shortName(report.layers[stretch.layer].name, Math.min(30, Math.floor((room - 10) / 7.2)));
            if (room > 40) area.append('text').attr({class: 'inside', x: from + 5, y: y + 18}).text(text);
        });
        const chosen = lane.runs[view.run];
        if (index === view.lane && chosen)
            area.append('rect').attr({class: 'chosen', x: x(chosen.from), y, width: Math.max(2, x(chosen.to) - x(chosen.from)),
                height: laneHeight - 6});
    }

    function draw(width) {
        const height = top + lanes.length * laneHeight + 4;
        const svg = newSvg(width, height, 'timeline of the units').attr('class', 'timeline').attr('tabindex', 0);
        const x = d3.scale.linear().domain([view.from, view.to]).range([left, width - 12]);
        svg.append('clipPath').attr('id', 'lanes').append('rect').attr({x: left, y: 0, width: width - 12 - left, height});
        svg.append('g').attr({class: 'axis', transform: `translate(0,${top - 4})`}).call(d3.svg.axis().scale(x).orient('top')
            .ticks(Math.max(2, Math.floor(width / 140))).outerTickSize(0).innerTickSize(4).tickFormat(whole));
        lanes.forEach((lane, index) => drawLane(svg, lane, index, x));
        listen(svg.node(), x);
        return svg.node();
    }

    function move(from, to) {
        const span = Math.min(cycles, Math.max(16, to - from));
        view.from = Math.max(0, Math.min(cycles - span, from));
        view.to = view.from + span;
        again();
    }
    const zoom = (factor, at = (view.from + view.to) / 2) => move(at - (at - view.from) * factor, at + (view.to - at) * factor);
    const pan = share => move(view.from + share * (view.to - view.from), view.to + share * (view.to - view.from));
    const again = () => {
        const hadFocus = box.contains(document.activeElement);
        box.redraw();
        if (hadFocus) box.firstChild.focus({preventScroll: true});
    };

    const linesOf = run => [`${run.opcode} · ${report.layers[run.layer].name.split(';')[0]}`,
        `cycles ${whole(run.from)} to ${whole(run.to - 1)}: ${whole(run.to - run.from)} of them`,
        `${report.layers[run.layer].op}, ${report.layers[run.layer].shape}, ${report.layers[run.layer].precision}`];

    // Goes from instruction to instruction of a lane, and keeps it in sight.
    function step(by) {
        const runs = lanes[view.lane].runs;
        if (runs.length === 0) return;
        view.run = view.run < 0 ? startsAt(runs, view.from) : view.run + by;
        view.run = Math.max(0, Math.min(runs.length - 1, view.run));
        const run = runs[view.run], span = view.to - view.from;
        if (run.from < view.from || run.to > view.to) move(run.from - span / 3, run.from + span * 2 / 3);
        else again();
        const place = box.firstChild.getBoundingClientRect();
        showTip(linesOf(run), place.left + left, place.top + top + view.lane * laneHeight + 8);
    }

    function choose(by) {
        view.lane = (view.lane + by + lanes.length) % lanes.length;
        view.run = -1;
        step(0);
    }

    const keys = {ArrowLeft: () => pan(-0.25), ArrowRight: () => pan(0.25), '+': () => zoom(0.5), '=': () => zoom(0.5),
        '-': () => zoom(2), 0: () => move(0, cycles), n: () => step(1), p: () => step(-1), ArrowUp: () => choose(-1),
        ArrowDown: () => choose(1)};

    function listen(svg, x) {
        const at = event => x.invert(event.clientX - svg.getBoundingClientRect().left);
        let drag = null;
        svg.addEventListener('keydown', event => {
            if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
            event.preventDefault();
            keys[event.key]();
        });
        svg.addEventListener('blur', hideTip);
        svg.addEventListener('wheel', event => {
            if (!event.ctrlKey && document.activeElement !== svg) return;
            event.preventDefault();
            zoom(event.deltaY > 0 ? 1.25 : 0.8, at(event));
        }, {passive: false});
        svg.addEventListener('pointerdown', event => { drag = {x: event.clientX, from: view.from, to: view.to}; });
        svg.addEventListener('pointerup', () => { drag = null; });
        svg.addEventListener('pointerleave', () => { drag = null; hideTip(); });
        svg.addEventListener('pointermove', event => {
            if (drag && event.buttons === 1) {
                const by = (drag.x - event.clientX) * (drag.to - drag.from) / (x.range()[1] - left);
                dragged = {from: drag.from + by, to: drag.to + by};
                return requestAnimationFrame(follow);
            }
            const lane = lanes[Math.floor((event.clientY - svg.getBoundingClientRect().top - top) / laneHeight)], cycle = at(event);
            const run = lane && lane.runs[startsAt(lane.runs, cycle) - 1];
            if (run && run.to > cycle) showTip(linesOf(run), event.clientX, event.clientY);
            else hideTip();
        });
    }
    let dragged = null;
    const follow = () => {
        if (dragged) move(dragged.from, dragged.to);
        dragged = null;
    };

    // All that instructions of the layer take, on any unit.
    function showLayer(index) {
        if (index === '') return move(0, cycles);
        const own = lanes.flatMap(lane => lane.runs.filter(run => run.layer === Number(index)));
        const from = d3.min(own, run => run.from), to = d3.max(own, run => run.to);
        if (own.length > 0) move(from - (to - from) * 0.05, to + (to - from) * 0.05);
    }

    const button = (text, title, action) => element('button', {type: 'button', title, 'aria-label': title, onclick: action}, text);
    const layers = report.layers.map((layer, index) => [String(index), shortName(layer.name, 40)])
        .filter(([index]) => !report.layers[index].on_host);
    const box = drawn(draw, 320);
    return element('div', {}, element('div', {class: 'controls'}, choice('Show', [['', 'the whole run'], ...layers], '', showLayer),
        button('+', 'nearer', () => zoom(0.5)), button('−', 'farther', () => zoom(2)), button('◀', 'earlier', () => pan(-0.5)),
        button('▶', 'later', () => pan(0.5)), button('all', 'the whole run', () => move(0, cycles))), box);
}
