// When views draw: those on the screen at once, the others in the pauses after it, so that a click is answered
// within a frame or two however long the page is.

// What may be drawn in one go before the browser gets a turn, in milliseconds: in answer to a choice, and after it.
const answer = 20;
const turn = 16;

interface Task {
    draw: () => void;
    place: Element | null;
    waiting: boolean;
}

export class Drawing {
    private readonly tasks: Task[] = [];
    private readonly inSight = new Set<Element>();
    private readonly known = new Set<Element>();
    private readonly observer: IntersectionObserver;
    private planned = false;

    constructor() {
        this.observer = new IntersectionObserver(
            (entries) => {
                for (const { target, isIntersecting } of entries)
                    if (isIntersecting) this.inSight.add(target);
                    else this.inSight.delete(target);
            },
            { rootMargin: '80px' },
        );
        window.addEventListener('beforeprint', () => this.run(Infinity));
    }

    // Gives a function that asks for draw to be called; asking again before it happened changes nothing.
    task(draw: () => void, place?: Element): () => void {
        const task: Task = { draw, place: place ?? null, waiting: false };
        this.tasks.push(task);
        if (place && !this.known.has(place)) {
            this.known.add(place);
            this.observer.observe(place);
        }
        return () => {
            task.waiting = true;
            this.plan();
        };
    }

    // Draws what is in sight now; the rest follows.
    flush(): void {
        this.run(performance.now() + answer);
    }

    private next(): Task | undefined {
        return (
            this.tasks.find((task) => task.waiting && (!task.place || this.inSight.has(task.place))) ??
            this.tasks.find((task) => task.waiting)
        );
    }

    private run(until: number): void {
        for (let task = this.next(); task; task = this.next()) {
            task.waiting = false;
            task.draw();
            if (performance.now() > until) break;
        }
        document.body.setAttribute('aria-busy', String(this.tasks.some((task) => task.waiting)));
        this.plan();
    }

    // After the next picture, so that every turn is seen; pages in the background get none and go by the clock.
    private plan(): void {
        if (this.planned || !this.tasks.some((task) => task.waiting)) return;
        this.planned = true;
        document.body.setAttribute('aria-busy', 'true');
        const go = (): void => {
            if (!this.planned) return;
            this.planned = false;
            clearTimeout(late);
            this.run(performance.now() + turn);
        };
        const late = setTimeout(go, 200);
        requestAnimationFrame(() => setTimeout(go, 0));
    }
}
