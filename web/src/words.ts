// Numbers and lists as a person writes them.
const grouped = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });

export function count(value: number): string {
    return grouped.format(value);
}

export function plural(value: number, one: string, many = `${one}s`): string {
    return `${count(value)} ${value === 1 ? one : many}`;
}

// A space that does not break a line.
const joined = '\u00a0';

// 0.123 is "12 %", 0.0123 is "1.2 %", 0.0001 is "< 0.1 %", 0.998 is "99.8 %".
export function percent(share: number): string {
    if (!Number.isFinite(share)) return '–';
    const value = share * 100;
    if (value === 0) return `0${joined}%`;
    if (value > 0 && value < 0.05) return `<${joined}0.1${joined}%`;
    if (value > 99.95 && value < 100) return `>${joined}99.9${joined}%`;
    return `${value.toFixed(value < 9.95 || (value >= 99 && value < 100) ? 1 : 0)}${joined}%`;
}

export function number(value: number, digits = 3): string {
    if (!Number.isFinite(value)) return '–';
    if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6))
        return value.toExponential(digits - 1);
    const text = value.toPrecision(digits);
    return text.includes('e') || Number.isInteger(value) ? String(Number(text)) : text;
}

export function list(words: string[]): string {
    if (words.length < 2) return words.join('');
    return `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`;
}

export function shape(sizes: readonly number[]): string {
    return sizes.map((size) => count(size)).join(' × ');
}

// "20, 30 and 40", or "10 to 50" where there are many.
export function ranks(values: number[]): string {
    if (values.length < 4) return list(values.map(String));
    return `${values[0]} to ${values[values.length - 1]}`;
}

// "/layers/layers.0/relu_1/Relu_output_0", as PyTorch's exporter writes it: "layers.0.relu_1"; of an operation within a
// module, "/blocks/blocks.0/Add_1_output_0": "blocks.0 Add_1". Everything else stays as it is.
function plainName(name: string): string {
    if (!/^\/.+_output_0$/.test(name)) return name;
    const parts = name.slice(1, -'_output_0'.length).split('/');
    const operation = parts.pop()!;
    const path = parts.filter((part, i) => !parts[i + 1]?.startsWith(`${part}.`));
    const kind = (text: string): string => text.replace(/_\d+$/, '').toLowerCase();
    const last = path[path.length - 1];
    if (last === undefined) return operation;
    return kind(last) === kind(operation) ? path.join('.') : `${path.join('.')} ${operation}`;
}

// Names to show instead of tensors': short where no two of them become the same.
export function plainNames(names: string[]): string[] {
    const short = names.map(plainName);
    return names.map((name, i) => (short.indexOf(short[i]!) === short.lastIndexOf(short[i]!) ? short[i]! : name));
}

// Long names keep their beginning and their end.
export function shorten(text: string, most: number): string {
    if (text.length <= most) return text;
    const head = Math.ceil((most - 1) * 0.6);
    return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}

export function date(text: string | undefined): string | null {
    if (!text) return null;
    const found = new Date(text);
    if (Number.isNaN(found.getTime())) return text;
    return found.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
}
