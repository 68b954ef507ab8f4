// run.js - the page of a run: what it cost, layer by layer, against the machine's limits, and in time.

function runPage() {
    const report = facts.report, timed = report.cycles !== null && report.cycles > 0;
    const own = report.layers.map((layer, index) => ({...layer, index}));
    const causes = Object.keys((own.find(layer => layer.causes) || {causes: {}}).causes);
    const components = Object.keys(report.energy_pj || {}).filter(key => report.energy_pj[key] !== null &&
        typeof report.energy_pj[key] === 'object');
    head(report, timed);
    if (timed) whereCyclesGo(report, own, causes);
    layersTable(report, own, causes, components, timed);
    if (timed) {
        section('timeline', 'Timeline of the units', 'Drag, or zoom with the buttons, with ctrl and the wheel, or with + and −; arrows move, ' +
            'n and p go from instruction to instruction. A block is drawn paler where the unit is busy for a part of it only.',
            timeline(report));
        roofline(report, own);
        energy(report, components);
        traffic(report, own);
    }
    machine(report);
    everyFigure(report);
    provenance(report);
}

// ---- summary ----

const rangeText = energy => `${formats.pj(energy.low)} to ${formats.pj(energy.high)}`;

function head(report, timed) {
    document.title = `${fileName(report.model)} on ${report.machine.name}`;
    const tiles = timed ? [
        tile('latency', marked('b', 'seconds', report.seconds, 'seconds'), `${whole(report.cycles)} cycles at ${report.machine.clock_mhz} MHz`),
        tile('energy', marked('b', 'energy_pj.nominal', report.energy_pj.nominal, 'pj'), rangeText(report.energy_pj)),
        tile('power', marked('b', 'average_power_mw', report.average_power_mw, 'mw'), 'on average'),
        tile('utilization', marked('b', 'utilization', report.utilization, 'share'), `${formats.macs(report.macs)} MACs`),
        tile('DRAM', element('b', {}, formats.bytes(report.dram_read_bytes + report.dram_write_bytes)),
            `${formats.bytes(report.dram_read_bytes)} read, ${formats.bytes(report.dram_write_bytes)} written`)] : [
        tile('MACs', marked('b', 'macs', report.macs, 'macs'), 'values only: this engine knows no time')];
    if (report.accuracy !== null)
        tiles.push(tile('accuracy', marked('b', 'accuracy', report.accuracy, 'share'), `of ${whole(report.examples)} examples`));
    document.querySelector('main').append(element('header', {}, element('h1', {}, fileName(report.model)),
        element('p', {class: 'note'}, `on ${report.machine.name}, ${report.machine.rows} × ${report.machine.cols} cells; engine ` +
            `${report.engine}; one example; energy from table ${report.energy_table}`),
        element('div', {class: 'tiles'}, ...tiles), ...warnings(report)));
}

function warnings(report) {
    const list = [];
    if (report.overflow !== 'none')
        list.push(report.overflow === 'counted' ? 'Sums did not fit the accumulator: the values are not the network’s.'
            : 'There are inputs whose sums do not fit the accumulator.');
    if (report.energy_outside_fit) list.push(`Energy is extrapolated: a memory is beyond what table ${report.energy_table} was fitted to.`);
    if (report.file_requant) list.push(`Rounded as ${report.requant}, not as the file means (${report.file_requant}).`);
    if ((report.deviation || []).length > 0)
        list.push(`${report.deviation.length} layers are the machine’s nearest, not exact.`);
    if (report.layers.some(layer => layer.on_host))
        list.push(`On the host, not in cycles and energy: ${report.layers.filter(layer => layer.on_host).map(layer => layer.op).join(', ')}.`);
    return list.map(text => element('p', {class: 'warning'}, text));
}

// ---- cycles ----

function whereCyclesGo(report, own, causes) {
    const sums = causes.map(name => ({name, value: d3.sum(own, layer => (layer.causes || {})[name] || 0)}));
    const rows = sums.map(({name, value}) => [element('span', {class: 'key'}, element('i', {class: `cause-${name}`}), name),
        element('td', {class: 'number'}, `${whole(value)}  ${(100 * value / report.cycles).toFixed(1)} %`)]);
    const wider = [['half_bandwidth_cycles', 'with half the DRAM’s bandwidth'], ['double_bandwidth_cycles', 'with double']]
        .filter(([key]) => typeof report[key] === 'number').map(([key, words]) =>
            `${words} ${whole(report[key])} (${d3.format('+.1%')(report[key] / report.cycles - 1)})`);
    section('cycles', 'Where the cycles go', 'Every cycle has one cause, and belongs to one layer.',
        drawn(width => bar(sums, report.cycles, 'cause', width, null, whole)), pairs(rows),
        wider.length > 0 ? element('p', {}, `${whole(report.cycles)} cycles; ${wider.join('; ')}.`) : null);
}

// ---- layers ----

const dramOf = layer => (layer.dram_read_bytes || 0) + (layer.dram_write_bytes || 0);

function layersTable(report, own, causes, components, timed) {
    const most = key => d3.max(own, key) || 1;
    const cyclesMost = most(layer => layer.cycles || 0), energyMost = most(layer => (layer.energy_pj || {}).high || 0);
    const dramMost = most(dramOf);
    const figure = (key, sort) => ({title: titleOf('layer', key), number: unitOf('layer', key) !== 'words', sort: sort || (layer => layer[key]),
        cell: layer => marked('td', `layers.${layer.index}.${key}`, layer[key], unitOf('layer', key),
            {class: unitOf('layer', key) !== 'words' ? 'number' : null})});
    const name = {title: 'layer', sort: layer => layer.index,
        cell: layer => element('th', {scope: 'row', title: layer.name}, shortName(layer.name))};
    const picture = (title, sort, draw) => ({title, sort, number: true,
        cell: layer => element('td', {class: 'picture'}, layer.on_host ? 'on the host' : draw(layer))});
    const columns = timed ? [name, figure('op'), figure('precision'), figure('macs'), figure('cycles'),
        picture('by cause', layer => layer.cycles, layer => bar(causes.map(cause => ({name: cause, value: layer.causes[cause]})), cyclesMost,
            'cause', 130, null, whole)),
        figure('utilization'), figure('bound'),
        {title: 'energy', number: true, sort: layer => layer.energy_pj ? layer.energy_pj.nominal : -1,
            cell: layer => marked('td', `layers.${layer.index}.energy_pj.nominal`, layer.energy_pj ? layer.energy_pj.nominal : null, 'pj',
                {class: 'number'})},
        picture('by component', layer => layer.energy_pj.nominal, layer => bar(components.map(component =>
            ({name: component, value: layer.energy_pj[component].nominal})), energyMost, 'part', 110, layer.energy_pj, formats.pj)),
        {title: 'DRAM', number: true, sort: dramOf, cell: layer => element('td', {class: 'number'}, layer.on_host ? '-'
            : formats.bytes(dramOf(layer)))},
        picture('both ways', dramOf, layer => bar([{name: 'read', value: layer.dram_read_bytes}, {name: 'written',
            value: layer.dram_write_bytes}], dramMost, 'way', 60, null, formats.bytes))]
        : [name, figure('op'), figure('shape'), figure('precision'), figure('macs')];
    section('layers', 'Layers', timed ? 'A head sorts by its column. Bars of a column have one scale; the thin line on an energy bar is its range.'
        : null, timed ? element('div', {class: 'legends'}, legend(causes, 'cause'), legend(components, 'part'),
        legend(['read', 'written'], 'way')) : null, table(columns, own));
}

// ---- roofline ----

function roofline(report, own) {
    const points = own.filter(layer => !layer.on_host && layer.macs > 0 && layer.cycles > 0 && dramOf(layer) > 0)
        .map(layer => ({layer, x: layer.macs / dramOf(layer), y: layer.macs / layer.cycles}));
    if (points.length === 0) return;
    const rate = report.machine.dram_bytes_per_cycle, peaks = [...new Set(points.map(point => point.layer.peak_macs_per_cycle))];
    const corners = peaks.map(peak => peak / rate);
    const draw = width => {
        const x = d3.scale.log().domain(around([...points.map(point => point.x), ...corners], 2));
        const y = d3.scale.log().domain(around([...points.map(point => point.y), ...peaks], 1.6));
        const {svg, plot, ...size} = frame(x, y, {width, height: Math.min(460, Math.max(320, width * 0.5))},
            {x: 'MACs a byte of DRAM', y: 'MACs a cycle', xFormat: short, yFormat: short}, 'roofline');
        const roofs = peaks.map(peak => {
            const corner = peak / rate, start = Math.max(x.domain()[0], y.domain()[0] / rate);
            plot.append('path').attr({class: 'roof', d: d3.svg.line()([[x(start), y(start * rate)], [x(corner), y(peak)],
                [size.width, y(peak)]])});
            const named = [...new Set(points.filter(point => point.layer.peak_macs_per_cycle === peak)
                .map(point => point.layer.precision))].join(', ');
            plot.append('text').attr({class: 'label', x: size.width - 4, y: y(peak) - 6, 'text-anchor': 'end'})
                .text(`${whole(peak)} a cycle: ${named}`);
            return {x0: x(corner) - 4, x1: size.width, y0: y(peak) - 20, y1: y(peak) + 4};
        });
        points.forEach(point => {
            const mark = plot.append('circle').attr({class: `mark cause-${point.layer.bound}`, cx: x(point.x), cy: y(point.y),
                r: 3 + 9 * Math.sqrt(point.layer.cycles / d3.max(points, other => other.layer.cycles)), tabindex: 0, role: 'img',
                'aria-label': shortName(point.layer.name, 60)});
            tells(mark.node(), () => [point.layer.name.split(';')[0], `${point.y.toFixed(1)} MACs a cycle of ` +
                `${whole(point.layer.peak_macs_per_cycle)}, ${point.x.toPrecision(3)} MACs a byte`, `bound by ${point.layer.bound}, ` +
                `${whole(point.layer.cycles)} cycles`]);
        });
        requestAnimationFrame(() => placeLabels(plot, [...points].sort((a, b) => b.layer.cycles - a.layer.cycles).map(point =>
            ({x: x(point.x), y: y(point.y), text: shortName(point.layer.name, 24)})), size, roofs));
        return svg.node();
    };
    section('roofline', 'Roofline', `The lines are what ${rate} bytes a cycle of DRAM and the cells allow at most. A point is a layer, as large ` +
        'as the cycles that it takes, coloured by what bounds it.', drawn(draw));
}

// ---- energy and traffic ----

function energy(report, components) {
    const most = d3.max(components, component => report.energy_pj[component].high);
    const rows = components.map(component => {
        const price = report.energy_pj[component];
        return element('tr', {}, element('th', {scope: 'row'}, component),
            marked('td', `energy_pj.${component}.nominal`, price.nominal, 'pj', {class: 'number'}),
            element('td', {class: 'number'}, `${(100 * price.nominal / report.energy_pj.nominal).toFixed(1)} %`),
            element('td', {class: 'number'}, rangeText(price)),
            element('td', {class: 'picture'}, bar([{name: component, value: price.nominal}], most, 'part', 360, price, formats.pj)));
    });
    section('energy', 'Energy by component', `Events, equal in model and RTL, times the prices of table ${report.energy_table}. The thin line ` +
        'is the range of the prices.', element('div', {class: 'wide', tabindex: 0, role: 'region', 'aria-label': 'energy'},
        element('table', {}, element('tbody', {}, ...rows))));
}

// Bytes as they add up over the layers.
function traffic(report, own) {
    const steps = [];
    let bytes = 0, cycles = 0;
    own.filter(layer => !layer.on_host).forEach(layer => {
        steps.push({layer, from: cycles, to: cycles += layer.cycles, before: bytes, bytes: bytes += dramOf(layer)});
    });
    const draw = width => {
        const x = d3.scale.linear().domain([0, cycles || 1]), y = d3.scale.linear().domain([0, bytes || 1]);
        const {svg, plot} = frame(x, y, {width, height: 260}, {x: 'cycles of the layers, in their order', y: 'bytes moved so far',
            xFormat: whole, yFormat: formats.bytes, yTicks: byteTicks(bytes)}, 'traffic');
        steps.forEach(step => {
            const mark = plot.append('path').attr({class: `mark step cause-${step.layer.bound}`, d: d3.svg.line()([[x(step.from), y(0)],
                [x(step.from), y(step.before)], [x(step.to), y(step.bytes)], [x(step.to), y(0)]]) + 'Z'});
            tells(mark.node(), () => [step.layer.name.split(';')[0], `${formats.bytes(dramOf(step.layer))} in ${whole(step.layer.cycles)} cycles`,
                `${(dramOf(step.layer) / step.layer.cycles).toFixed(2)} bytes a cycle of ${report.machine.dram_bytes_per_cycle}`]);
        });
        return svg.node();
    };
    section('traffic', 'DRAM traffic', 'How the bytes add up, layer by layer; where it is steep the memory is busy. Coloured by what bounds ' +
        'the layer.', drawn(draw));
}

// ---- what it was ----

function machine(report) {
    section('machine', 'Machine', null, element('div', {class: 'columns'}, pairs(leaves(report.machine).map(([key, value]) =>
        [key.replace(/_/g, ' '), marked('td', `machine.${key}`, value, 'number', {class: 'number'})]))));
}

function everyFigure(report) {
    const {layers, machine: knobs, ...rest} = report;
    const totals = leaves(rest).map(([key, value]) =>
        [titleOf('total', key), marked('td', key, value, unitOf('total', key), {class: 'number', title: String(value)})]);
    const keys = [...new Set(layers.flatMap(layer => leaves(layer).map(([key]) => key)))];
    const columns = keys.map(key => ({title: titleOf('layer', key), number: unitOf('layer', key) !== 'words',
        sort: layer => layer.values[key], cell: layer => key in layer.values ? marked('td', `layers.${layer.index}.${key}`, layer.values[key],
            unitOf('layer', key), {class: unitOf('layer', key) !== 'words' ? 'number' : null, title: String(layer.values[key])})
            : element('td')}));
    const rows = layers.map((layer, index) => ({index, values: Object.fromEntries(leaves(layer))}));
    section('figures', 'Every figure', 'As the JSON of the report has them; the exact number shows when the mouse is on it.',
        element('details', {}, element('summary', {}, `Of the run: ${totals.length}`), element('div', {class: 'columns'}, pairs(totals))),
        element('details', {}, element('summary', {}, `Of the layers: ${keys.length} each`), table(columns, rows)));
}

function provenance(report) {
    section('provenance', 'Where this comes from', null, pairs([
        ['model', element('td', {}, report.model)], ['SHA-256', element('td', {class: 'digest'}, report.model_sha256)],
        ...priceRows(),
        ['rounding', element('td', {}, report.requant)], ['program', element('td', {}, `qmac ${facts.qmac}`)]]),
    facts.command === null ? null : element('div', {}, element('p', {}, 'The same again:'), element('pre', {tabindex: 0}, facts.command)));
}
