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
