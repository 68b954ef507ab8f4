// charts.js - small graphics that both pages use: bars that stand in a table's cells, plots with two axes, and labels that find a place.

const newSvg = (width, height, label) => d3.select(document.createElementNS('http://www.w3.org/2000/svg', 'svg'))
    .attr({width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label});

// Parts of a bar, end to end: {name, value}; range: {low, high} of their sum, or null. At the scale of `most`.
function bar(parts, most, family, width, range, format) {
    const label = parts.map(part => `${part.name} ${format(part.value)}`).join(', ');
    const svg = newSvg(width, 14, label), x = d3.scale.linear().domain([0, most || 1]).range([0, width - 2]);
    let from = 0;
    parts.filter(part => part.value > 0).forEach(part => {
        svg.append('rect').attr({class: `mark ${family}-${part.name}`, x: x(from), y: 2, width: Math.max(0.4, x(part.value)), height: 10});
        from += part.value;
    });
    if (range) {
        svg.append('line').attr({class: 'range', x1: x(range.low), x2: x(range.high), y1: 7, y2: 7});
        [range.low, range.high].forEach(end => svg.append('line').attr({class: 'range', x1: x(end), x2: x(end), y1: 4, y2: 10}));
    }
    tells(svg.node(), () => [format(from), ...parts.filter(part => part.value > 0).map(part =>
        `${part.name} ${format(part.value)} (${(100 * part.value / from).toFixed(1)} %)`),
        ...(range ? [`between ${format(range.low)} and ${format(range.high)}`] : [])]);
    return svg.node();
}

// A frame with two axes and their titles. x, y: scales, whose ranges it sets; marks are drawn in .plot, of which it gives the size.
function frame(x, y, size, titles, label) {
    const left = 72, top = 30, bottom = 46, right = 16;
    const width = size.width - left - right, height = size.height - top - bottom;
    const svg = newSvg(size.width, size.height, label);
    const plot = svg.append('g').attr('transform', `translate(${left},${top})`);
    x.range([0, width]);
    y.range([height, 0]);
    plot.append('g').attr({class: 'axis', transform: `translate(0,${height})`}).call(axis(x, 'bottom', titles.xFormat, width / 80));
    const upwards = axis(y, 'left', titles.yFormat, height / 40).innerTickSize(-width);
    plot.append('g').attr('class', 'axis').call(titles.yTicks ? upwards.tickValues(titles.yTicks) : upwards);
    plot.append('text').attr({class: 'title', x: width, y: height + 40, 'text-anchor': 'end'}).text(titles.x);
    plot.append('text').attr({class: 'title', x: 8 - left, y: 14 - top}).text(titles.y);
    return {svg, plot, width, height};
}

// Ticks of a logarithmic scale: powers of ten, and 2 and 5 between them while there are few.
function axis(scale, side, format, most) {
    const made = d3.svg.axis().scale(scale).orient(side).outerTickSize(0).innerTickSize(4).tickPadding(6).tickFormat(format);
    if (!scale.base) return made.ticks(Math.max(2, Math.floor(most)));
    const [low, high] = scale.domain();
    const ticksOf = factors => d3.range(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high)) + 1)
        .flatMap(power => factors.map(factor => factor * 10 ** power)).filter(tick => tick >= low * 0.999 && tick <= high * 1.001);
    const lists = [[1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]].map(ticksOf);
    return made.tickValues(lists.find(list => list.length <= Math.max(3, most)) || lists[3]);
}

// Ticks that are whole in the unit that bytes are told in.
function byteTicks(most) {
    const unit = 1024 ** Math.max(0, Math.min(3, Math.floor(Math.log(most || 1) / Math.log(1024))));
    return d3.scale.linear().domain([0, most / unit]).ticks(5).map(tick => tick * unit);
}

// A number of an axis: three digits, no exponent.
const short = value => value >= 1000 ? whole(value) : String(Number(value.toPrecision(3)));

// A domain that holds the values, with some room: for logarithms by a factor.
function around(values, factor) {
    const [low, high] = d3.extent(values);
    return [low / factor, high * factor];
}

// Writes texts beside their points, the first ones first, each where it covers no other and no point, or not at all.
// items: {x, y, text}; taken: boxes {x0, y0, x1, y1} that are not free.
function placeLabels(plot, items, size, taken) {
    const overlaps = (a, b) => a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
    const boxes = [...taken, ...items.map(({x, y}) => ({x0: x - 4, y0: y - 4, x1: x + 4, y1: y + 4}))];
    items.forEach(({x, y, text}) => {
        const label = plot.append('text').attr('class', 'label').text(text);
        const width = label.node().getComputedTextLength(), height = 13;
        const spot = [[x + 7, y + 4], [x - 7 - width, y + 4], [x - width / 2, y - 8], [x - width / 2, y + 16]]
            .map(([left, base]) => ({x0: left, x1: left + width, y0: base - height + 2, y1: base + 3, base}))
            .find(box => box.x0 >= 0 && box.x1 <= size.width && box.y0 >= 0 && box.y1 <= size.height &&
                !boxes.some(other => overlaps(box, other)));
        if (!spot) return label.remove();
        label.attr({x: spot.x0, y: spot.base});
        boxes.push(spot);
    });
}

// Draws into a box now, and again when its width is another. draw(width) gives an element.
function drawn(draw, least = 280) {
    const box = element('div', {class: 'chart'});
    let width = 0;
    const redraw = () => {
        const now = Math.max(least, Math.floor(box.clientWidth));
        if (now !== width) box.replaceChildren(draw(width = now, box));
    };
    new ResizeObserver(() => requestAnimationFrame(redraw)).observe(box);
    box.redraw = () => { if (width > 0) box.replaceChildren(draw(width, box)); };
    return box;
}
